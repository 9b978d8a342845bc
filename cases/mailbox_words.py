"""A mailbox in words: what it is doing, what is wrong and what to do about it, how far it is behind."""

from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.mail.imap import Trouble
from cases.models import Mailbox

# Every word of cases.mail.imap.Trouble.
WORDS = {
    "unreachable": gettext_lazy("The server cannot be reached: is its name and port right, and is it up?"),
    "timeout": gettext_lazy("The server does not answer in time."),
    "lost": gettext_lazy("The line to the server broke."),
    "tls": gettext_lazy("No secure line: the server's certificate or its TLS is not in order."),
    "not_encrypted": gettext_lazy("Without TLS only a server on this very machine is used: choose TLS or STARTTLS."),
    "sign_in": gettext_lazy("The server does not let us in: user, password or token is wrong, or IMAP is turned off."),
    "busy": gettext_lazy("The server lets nobody in at present."),
    "token": gettext_lazy("The token address gives no token: the consent was withdrawn, or the client is not right."),
    "token_server": gettext_lazy("The token address does not answer."),
    "token_address": gettext_lazy("The token address is not one we may call."),
    "unreadable": gettext_lazy("The stored secret cannot be read with today's SECRET_KEY: enter it again."),
    "no_folder": gettext_lazy("There is no such folder."),
    "read_only": gettext_lazy("The folder may only be read: mails in it cannot be marked or moved."),
    "cannot_move": gettext_lazy("Mails are stored, but the server does not move them."),
    "refused": gettext_lazy("The server refuses what is asked of it."),
    "garbled": gettext_lazy("The server answers what no IMAP server should."),
    "withheld": gettext_lazy("The server does not hand the mail out."),
    "database": gettext_lazy("Our own database did not answer."),
    "stumbled": gettext_lazy("Something went wrong on our side; the log says what."),
}


def why(word: str, detail: str = "") -> str:
    """The reason in a sentence, and what the server said itself."""
    said = str(WORDS.get(word, word))
    return f"{said} ({detail})" if detail else said


def state_of(box: Mailbox, now: datetime) -> str:
    """What it is doing now."""
    if not box.is_active:
        return _("off")
    if box.failing_since:
        return _("failing since %s") % moment(box.failing_since)
    if since := box.silent_since(now):
        return _("nobody has fetched from it since %s") % moment(since)
    if box.last_success_at is None:
        return _("about to begin")
    doing = {"fetching": _("fetching"), "waiting": _("waiting: the server says when mail comes")}
    return doing.get(box.doing, _("waiting")) if box.is_pushed or box.doing == "fetching" else _("waiting: asked often")


def behind(box: Mailbox, now: datetime) -> str:
    """How far behind."""
    lag = box.lag(now)
    if lag is None:
        return _("nothing waits")
    said = ngettext("%(n)d mail waits, for %(time)s", "%(n)d mails wait, the oldest for %(time)s", box.waiting)
    return said % {"n": box.waiting, "time": length(lag)}


def report(box: Mailbox, now: datetime, trouble: Trouble | None, skipped: int = 0) -> str:
    """One line for `doctor`: reachable, signed in, and how it stands."""
    said = why(trouble.word, trouble.detail) if trouble else _("answers and lets us in")
    told = [_("mailbox %(address)s (%(folder)s): %(said)s") % {"address": box, "folder": box.folder, "said": said}]
    told.append(state_of(box, now))
    told.append(behind(box, now))
    if skipped:
        told.append(ngettext("%d mail could not be fetched", "%d mails could not be fetched", skipped) % skipped)
    return "; ".join(told) + "."


def moment(at: datetime) -> str:
    return date_format(localtime(at), "j M H:i")


def length(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 1:
        return _("less than a minute")
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    return _("%(n)s h") % {"n": minutes // 60} if minutes < 48 * 60 else _("%(n)s d") % {"n": minutes // 1440}
