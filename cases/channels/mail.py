"""Mail out by SMTP. What happens before the server takes the text can be repeated; a line lost after that cannot be
judged from here and is Unknown, never silently sent again."""

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.policy import Compat32
from email.utils import formataddr
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from cases.channels import Failed, Later, Unknown, permitted
from cases.hooks import Outgoing
from cases.mail import heeding, ids, refusals
from cases.models import Case, Channel, Dispatch, SideMessage
from crm.database.prepared import kept

MOST_REFERENCES = 20
_OURS = {"message-id", "from", "to", "reply-to", "subject", "date", "cc", "bcc", "sender", "in-reply-to", "references"}
_FIT_TO_NAME = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+")  # a Message-ID that cannot break our header


class Mail:
    """Sends answers and notices as plain text mail."""

    kind = "mail"
    honours_key = False

    def send(self, outgoing: Outgoing, _channel: Channel | None) -> str:
        """The Message-ID it went out with. Raises Failed, Later or Unknown (cases.channels)."""
        dispatch = permitted(outgoing, "mail")
        backend = self._backend()
        mail = build(outgoing, dispatch)
        if not isinstance(backend, _Tracking):
            backend.send_messages([mail])
            return ids.message_id(dispatch)
        try:
            _deliver(backend, mail)
        except Failed as failed:
            heeding.refused(dispatch, failed.reason)
            raise
        return ids.message_id(dispatch)

    def _backend(self) -> BaseEmailBackend:
        return _backend()

    @contextmanager
    def session(self) -> Iterator["Mail"]:
        """The same over one line to the server, which stays open between mails."""
        kept = _OnOneLine()
        try:
            yield kept
        finally:
            kept.close()


class _OnOneLine(Mail):
    """For a run of mails: each is handed over by itself, as ever."""

    _held: BaseEmailBackend | None = None

    def _backend(self) -> BaseEmailBackend:
        if self._held is None:
            self._held = _backend()
            if isinstance(self._held, _Tracking):
                self._held.stays_open = True
        return self._held

    def close(self) -> None:
        if isinstance(self._held, _Tracking):
            _hang_up(self._held)


def build(outgoing: Outgoing, dispatch: Dispatch) -> EmailMessage:
    """The mail as it goes out: one address, one-line headers, nothing a customer's name or subject could add to."""
    company, case = _one_line(settings.COMPANY), ids.case_of(dispatch)
    home = ids.home(ids.near(dispatch))
    mail = _Letter(
        subject=_one_line(outgoing.subject),
        body=outgoing.text,
        from_email=formataddr((company, home)),
        to=[_recipient(outgoing)],
        reply_to=[formataddr((company, ids.address_behind(home, case, dispatch)))],
        headers=_headers(outgoing, dispatch, case),
    )
    for file in outgoing.files:
        mail.attach(_one_line(file.name), file.data, _attachable(file.content_type))
    return mail


class _Letter(EmailMessage):
    """Django's, whose headers begin on the line of their name."""

    def message(self, *, policy: Any = None) -> Any:
        mail = super().message()
        mail.policy = _Written()
        return mail


class _Written(Compat32):
    """A word too long for the line of its header's name would get a line of its own. Mail programs that miss a
    Message-ID there show every answer as a new conversation, and a subject begins with a blank."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        return re.sub(rb"^([!-~]+: )\r?\n ", rb"\1", super().fold_binary(name, value))


def _recipient(outgoing: Outgoing) -> str:
    address = outgoing.to.strip()
    if any(c.isspace() or c in "<>,;" or not c.isprintable() for c in address) or "@" not in address:
        raise Failed("This is not a mail address.", reason="bad_address")
    return formataddr((_one_line(outgoing.to_name), address)) if outgoing.to_name else address


def _headers(outgoing: Outgoing, dispatch: Dispatch, case: Case | None) -> dict[str, str]:
    own = {"Message-ID": ids.message_id(dispatch)} | _auto(dispatch.message_class) | _context(dispatch, case)
    extra = {name: _one_line(value) for name, value in outgoing.headers.items() if name.lower() not in _OURS}
    return own | extra


def _auto(message_class: str) -> dict[str, str]:
    """What no person wrote says so (RFC 3834), and asks for no answer of another machine's. Bounces are welcome."""
    if message_class in {"answer", "side"}:
        return {}
    kind = "auto-replied" if message_class == "acknowledgement" else "auto-generated"
    return {"Auto-Submitted": kind, "X-Auto-Response-Suppress": "OOF, AutoReply"}


def _context(dispatch: Dispatch, case: Case | None) -> dict[str, str]:
    """What this mail answers: their last one, at the end of everything said between us, where mail programs look."""
    theirs, ours = (_theirs(case, dispatch), _sent(case, dispatch)) if case else _aside(dispatch)
    said = [name for _at, name in sorted(theirs + ours)]
    if not said:
        return {}
    parent = max(theirs or ours)[1]
    chain = [name for name in dict.fromkeys(said) if name != parent][-(MOST_REFERENCES - 1) :]
    return {"In-Reply-To": parent, "References": " ".join([*chain, parent])}


def _aside(dispatch: Dispatch) -> tuple[list[tuple[datetime, str]], list[tuple[datetime, str]]]:
    """Of a question beside a case: what they and we said in that alone."""
    said = ids.aside(dispatch)
    if said is None:
        return [], []
    every = SideMessage.objects.filter(talk=said.talk_id).order_by("-at", "-pk")
    theirs = every.exclude(mail_id="").values_list("at", "mail_id")[:MOST_REFERENCES]
    sent = Dispatch.objects.filter(source=dispatch.source, source_id__in=every.values("pk"), state="sent")
    ours = sent.filter(address=dispatch.address).exclude(pk=dispatch.pk).values_list("sent_at", "provider_id")
    known = [(at, f"<{name}>") for at, name in theirs if _FIT_TO_NAME.fullmatch(name)]
    return known, [(at, name) for at, name in ours.order_by("-sent_at")[:MOST_REFERENCES] if at and name]


def _theirs(case: Case, dispatch: Dispatch) -> list[tuple[datetime, str]]:
    """The mails this person wrote to us in the case. Another's are no business of theirs."""
    with kept() as cursor:
        cursor.execute(_THEIRS, [case.pk, dispatch.address, dispatch.customer_id, MOST_REFERENCES])
        return [(at, f"<{name}>") for at, name in cursor.fetchall() if _FIT_TO_NAME.fullmatch(name)]


_THEIRS = """
SELECT said.at, said.mail_id FROM cases_message said JOIN customers_contactpoint point ON point.id = said.sender_id
 WHERE said.case_id = %s AND said.direction = 'inbound' AND NOT said.is_auto AND said.mail_id <> ''
   AND (point.value = %s OR point.customer_id = %s)
 ORDER BY said.at DESC, said.id DESC LIMIT %s
"""


def _sent(case: Case, dispatch: Dispatch) -> list[tuple[datetime, str]]:
    asked: dict[str, Any] = {"case": case.pk, "address": dispatch.address, "own": dispatch.pk, "most": MOST_REFERENCES}
    with kept() as cursor:
        cursor.execute(_SENT, asked)
        return [(at, name) for at, name in cursor.fetchall() if at and name]


_SENT = """
SELECT sent_at, provider_id FROM cases_dispatch
 WHERE id IN (SELECT dispatch_id FROM cases_message WHERE case_id = %(case)s
              UNION SELECT dispatch_id FROM cases_acknowledgement WHERE case_id = %(case)s)
   AND channel = 'mail' AND state = 'sent' AND address = %(address)s AND id <> %(own)s
 ORDER BY sent_at DESC, id DESC LIMIT %(most)s
"""


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _attachable(content_type: str) -> str:
    """Whatever claims to be a mail or a multipart travels as plain bytes: only a real one may be nested."""
    kind, _slash, rest = content_type.partition("/")
    return content_type if rest and kind not in {"message", "multipart", "text"} else "application/octet-stream"


# --- the wire


class _Tracking(EmailBackend):
    """Django's SMTP, which also remembers whether the server was given a text."""

    in_data = False
    stays_open = False

    @property
    def connection_class(self) -> Any:
        base = super().connection_class
        return partial(_noting, base, self)


def _noting(base: type[smtplib.SMTP], backend: _Tracking, *args: Any, **kwargs: Any) -> smtplib.SMTP:
    line = base(*args, **kwargs)
    plain = line.data

    def data(text: Any) -> Any:
        backend.in_data = True  # from here on, a lost line may mean that it arrived
        return plain(text)

    line.data = data  # type: ignore[method-assign, assignment]
    return line


def _backend() -> BaseEmailBackend:
    if settings.EMAIL_BACKEND != "django.core.mail.backends.smtp.EmailBackend":
        return get_connection()
    if not settings.EMAIL_PORT:
        raise Failed("No mail server is configured: set SMTP_HOST and SMTP_PORT.", reason="no_mail_server")
    return _Tracking()


def _deliver(backend: _Tracking, mail: EmailMessage) -> None:
    try:
        _hand_over(backend, mail)
    except (smtplib.SMTPServerDisconnected, OSError, smtplib.SMTPException) as error:
        _hang_up(backend)
        raise _meaning(error, backend.in_data) from error
    if not backend.stays_open:
        _hang_up(backend)


def _hand_over(backend: _Tracking, mail: EmailMessage) -> None:
    """A server may end a line that it finds too old or too busy between two mails: then nothing of this one was said,
    and it is said again on a new line."""
    was_open, backend.in_data = backend.connection is not None, False
    try:
        backend.open()
        backend.send_messages([mail])
    except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused, OSError) as error:
        ended = not isinstance(error, smtplib.SMTPSenderRefused) or error.smtp_code == 421
        if not was_open or backend.in_data or not ended:
            raise
        _hang_up(backend)
        backend.open()
        backend.send_messages([mail])


def _hang_up(backend: _Tracking) -> None:
    try:
        backend.close()
    except (smtplib.SMTPException, OSError):
        return  # the text was taken or refused before; how the line ended says nothing


def _meaning(error: Exception, in_data: bool) -> Failed | Later | Unknown:
    """What an SMTP failure means for the mail: the server's own word, else the phase it broke off in."""
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return Later("The mail server does not let us in.", reason="no_connection")
    if (said := _said(error)) is not None:
        code, text = said
        kind, why = (Later, "") if 400 <= code < 500 else (Failed, refusals.reason("", text))
        return kind(f"The mail server said {code} {text}", reason=why or f"smtp_{code}")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Failed("The mail server cannot take this address.", reason="not_supported")
    if in_data:
        return Unknown("The line to the mail server broke while it took the mail.", reason="no_answer")
    return Later("The mail server cannot be reached.", reason="no_connection")


def _said(error: Exception) -> tuple[int, str] | None:
    """The reply code and text, where the server gave one."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _reply(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return None


def _reply(code: int, text: bytes | str) -> tuple[int, str]:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return code, _one_line(words)[:200]
