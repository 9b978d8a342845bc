"""A question beside a case, as whoever was asked reads it: our words, and under them what was passed on."""

from cases.hooks import File, Outgoing, composers
from cases.models import Dispatch, SideMessage
from cases.models.side import SOURCE
from crm.files import read_bytes


@composers.register
def side_content(dispatch: Dispatch) -> Outgoing | None:
    if dispatch.source != SOURCE:
        return None
    message = SideMessage.objects.select_related("talk", "author").get(pk=dispatch.source_id)
    talk = message.talk
    to = talk.recipients.filter(address=dispatch.address).first()
    is_first = not talk.messages.filter(pk__lt=message.pk).exists()
    return Outgoing(
        key=str(dispatch.key),
        to=dispatch.address,
        to_name=to.name if to else "",
        subject=talk.subject if is_first else f"Re: {talk.subject}",
        text=f"{message.text}\n\n{message.quoted}".rstrip(),
        language="",
        thread=f"side {talk.pk}",
        files=tuple(File(f.name, f.content_type, read_bytes(f.file)) for f in message.files.select_related("file")),
    )
