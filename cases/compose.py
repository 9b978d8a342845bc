"""Who writes the content of a dispatch: the composer of its source."""

from cases.hooks import File, Outgoing, composers
from cases.models import Case, Dispatch, Message
from crm.files import read_bytes


def compose(dispatch: Dispatch) -> Outgoing:
    """The content to send, from the composer of the dispatch's source. LookupError when nobody writes that source."""
    for _name, composer in composers:
        if (outgoing := composer(dispatch)) is not None:
            return outgoing
    raise LookupError(f"nobody composes {dispatch.source}")


@composers.register
def reply_content(dispatch: Dispatch) -> Outgoing | None:
    """A reply as its customer reads it: the text, the next step and the time, the files. Notes have no dispatch."""
    if dispatch.source != "message":
        return None
    message = Message.objects.select_related("case__customer", "author").get(dispatch=dispatch)
    if message.is_note:
        raise PermissionError("a note never leaves")
    case = message.case
    return Outgoing(
        key=str(dispatch.key),
        to=dispatch.address,
        to_name=case.customer.name if case.customer else "",
        subject=_subject(case),
        text=message.text,
        language=message.language or case.language,
        thread=thread_of(case),
        files=tuple(
            File(a.name, a.content_type, read_bytes(a.file)) for a in message.attachments.select_related("file")
        ),
    )


def _subject(case: Case) -> str:
    return f"Re: {case.subject} [#{case.number}]"


def thread_of(case: Case) -> str:
    """What names this conversation on the other side."""
    thread = case.threads.filter(channel=case.channel).order_by("-pk").first()
    return thread.external_id if thread else str(case.number)
