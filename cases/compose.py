"""Who writes the content of a dispatch: the composer of its source."""

import zoneinfo
from dataclasses import replace
from datetime import datetime

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases import status_page
from cases.channels import Failed
from cases.hooks import File, Outgoing, composers
from cases.models import Case, Dispatch, Message, Thread
from cases.permission import CONSENT_NEEDED
from crm.database.prepared import Prepared
from crm.files import read_bytes
from crm.languages import spoken
from customers import unsubscribe


def compose(dispatch: Dispatch) -> Outgoing:
    """The content to send, from the composer of the dispatch's source: the words are its own, whom they go to was asked
    about before. LookupError when nobody writes that source, Failed when somebody writes to another address."""
    for _name, composer in composers:
        if (outgoing := composer(dispatch)) is not None:
            if (outgoing.key, outgoing.to) != (str(dispatch.key), dispatch.address):
                raise Failed("Composed for another address than was asked about.", reason="not_permitted")
            return _with_a_way_out(_with_status(outgoing, dispatch), dispatch)
    raise LookupError(f"nobody composes {dispatch.source}")


def _with_status(outgoing: Outgoing, dispatch: Dispatch) -> Outgoing:
    """In a mail, below its words: where the customer sees how it stands. Other channels show the link as they like."""
    if not outgoing.status_url or dispatch.channel != "mail":
        return outgoing
    with translation.override(spoken(outgoing.language)):
        told = _("How it stands, and to add something: %(url)s") % {"url": outgoing.status_url}
    return replace(outgoing, text=f"{outgoing.text}\n\n{told}")


def _with_a_way_out(outgoing: Outgoing, dispatch: Dispatch) -> Outgoing:
    """Whoever wrote it: what goes to many at once can be stopped with one click."""
    purpose = CONSENT_NEEDED.get(dispatch.message_class)
    if purpose is None or dispatch.channel != "mail":
        return outgoing
    out = unsubscribe.headers(dispatch.customer_id, dispatch.contact_point_id, purpose)
    return replace(outgoing, headers=outgoing.headers | out)


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
        subject=subject_of(case),
        text=words_of(message),
        language=message.language or case.language,
        thread=thread_of(case),
        status_url=status_page.link(case, dispatch.contact_point),
        files=tuple(
            File(a.name, a.content_type, read_bytes(a.file)) for a in message.attachments.select_related("file")
        ),
    )


def words_of(message: Message) -> str:
    """The reply's text and, under it, the next step and its time as the customer's own clock shows it."""
    case = message.case
    with translation.override(spoken(message.language or case.language)):
        promise = _next_step(message, case.customer.tz if case.customer else "UTC")
    return f"{message.text}\n\n{promise}" if promise else message.text


def _next_step(message: Message, tz: str) -> str:
    if not message.by_when:
        return _("Next step: %(step)s") % {"step": message.next_step} if message.next_step else ""
    when = moment(message.by_when, zoneinfo.ZoneInfo(tz))
    if not message.next_step:
        return _("You hear from us by %(when)s.") % {"when": when}
    return _("Next step: %(step)s, by %(when)s.") % {"step": message.next_step, "when": when}


def moment(at: datetime, zone: zoneinfo.ZoneInfo) -> str:
    """A time in words, with the zone it is told in."""
    local = timezone.localtime(at, zone)
    return f"{date_format(local, _('l j F Y, H:i'))} ({local.tzname()})"


def subject_of(case: Case) -> str:
    return f"Re: {case.subject} [#{case.number}]"


def thread_of(case: Case) -> str:
    """What names this conversation on the other side."""
    threads = _THREADS(case.pk, case.channel)
    return max(threads, key=lambda thread: thread.pk).external_id if threads else str(case.number)


# A case has few. Asked for the newest, PostgreSQL may walk back through everybody's until it meets one of this case.
_THREADS = Prepared(lambda case, channel: Thread.objects.filter(cases=case, channel=channel), int, str)
