"""Mail out by SMTP. What happens before the server takes the text can be repeated; a line lost after that cannot be
judged from here and is Unknown, never silently sent again."""

import smtplib
from email.utils import formataddr
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from cases.channels import Failed, Later, Unknown
from cases.hooks import Outgoing
from cases.models import Channel, Dispatch, Message

MOST_REFERENCES = 20
_OURS = {"message-id", "from", "to", "reply-to", "subject", "date", "cc", "bcc", "sender"}


class Mail:
    """Sends answers and notices as plain text mail."""

    kind = "mail"
    honours_key = False

    def send(self, outgoing: Outgoing, _channel: Channel | None) -> str:
        """The Message-ID it went out with. Raises Failed, Later or Unknown (cases.channels)."""
        backend = _backend()
        mail = build(outgoing)
        if isinstance(backend, _Tracking):
            _deliver(backend, mail)
        else:
            backend.send_messages([mail])
        return message_id(outgoing.key)


def message_id(key: str) -> str:
    """The same for every try of one dispatch, so that mailboxes can tell a repeat."""
    return f"<{key}@{_domain()}>"


def build(outgoing: Outgoing) -> EmailMessage:
    """The mail as it goes out: one address, one-line headers, nothing a customer's name or subject could add to."""
    company = formataddr((_one_line(settings.COMPANY), settings.DEFAULT_FROM_EMAIL))
    mail = EmailMessage(
        subject=_one_line(outgoing.subject),
        body=outgoing.text,
        from_email=company,
        to=[_recipient(outgoing)],
        reply_to=[company],
        headers=_headers(outgoing),
    )
    for file in outgoing.files:
        mail.attach(_one_line(file.name), file.data, _attachable(file.content_type))
    return mail


def _recipient(outgoing: Outgoing) -> str:
    address = outgoing.to.strip()
    if any(c.isspace() or c in "<>,;" or not c.isprintable() for c in address) or "@" not in address:
        raise Failed("This is not a mail address.", reason="bad_address")
    return formataddr((_one_line(outgoing.to_name), address)) if outgoing.to_name else address


def _headers(outgoing: Outgoing) -> dict[str, str]:
    own = {"Message-ID": message_id(outgoing.key)} | _context(outgoing.key)
    extra = {name: _one_line(value) for name, value in outgoing.headers.items() if name.lower() not in _OURS}
    return own | extra


def _context(key: str) -> dict[str, str]:
    """What this mail answers: the case's earlier mails, and whether a person wrote it."""
    dispatch = Dispatch.objects.filter(key=key).first()
    if dispatch is None:
        return {}
    auto = {} if dispatch.message_class == "answer" else {"Auto-Submitted": "auto-generated"}
    message = Message.objects.filter(dispatch=dispatch).first()
    earlier = _earlier(message, dispatch) if message else []
    if not earlier:
        return auto
    return auto | {"In-Reply-To": earlier[-1], "References": " ".join(earlier)}


def _earlier(message: Message, dispatch: Dispatch) -> list[str]:
    sent = Dispatch.objects.filter(
        message__case_id=message.case_id, channel="mail", state=Dispatch.State.SENT, address=dispatch.address
    )
    keys = sent.exclude(pk=dispatch.pk).order_by("-sent_at", "-pk").values_list("key", flat=True)[:MOST_REFERENCES]
    return [message_id(str(key)) for key in reversed(keys)]


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _attachable(content_type: str) -> str:
    """Whatever claims to be a mail or a multipart travels as plain bytes: only a real one may be nested."""
    kind, _slash, rest = content_type.partition("/")
    return content_type if rest and kind not in {"message", "multipart", "text"} else "application/octet-stream"


def _domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"


# --- the wire


class _Tracking(EmailBackend):
    """Django's SMTP, which also remembers whether the server was given a text."""

    in_data = False

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
        backend.open()
        backend.send_messages([mail])
    except (smtplib.SMTPServerDisconnected, OSError, smtplib.SMTPException) as error:
        raise _meaning(error, backend.in_data) from error
    finally:
        _hang_up(backend)


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
        kind = Later if 400 <= code < 500 else Failed
        return kind(f"The mail server said {code} {text}", reason=f"smtp_{code}")
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
