"""One message in a thread. Forty to a case and each pushed live to everybody who looks at it: put together in Python, as the
rows of a list are (cases.templatetags.rows), because a template asks for each word through many hands."""

from functools import lru_cache
from html import escape

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cases.models import Attachment, Dispatch, Message
from cases.templatetags.console import by_channel, filesize, hour, moment, speaker, worded
from cases.templatetags.feel import feeling_marks
from cases.templatetags.mailed import beginning, is_long, stretches, warned
from cases.undelivered import cause
from crm.addressing import address
from crm.templatetags.icons import icon

register = template.Library()
_KINDS: dict[str, str] = {Message.Direction.INBOUND: "in", Message.Direction.OUTBOUND: "out"}
State = Dispatch.State


@register.filter
def spoken(message: Message) -> SafeString:
    """A message (with case, author, dispatch, attachments: cases.thread) as the thread shows it, the same for every reader:
    what only its author may do is marked data-only-for."""
    word = _words(get_language() or "")
    about = f'id="message-{message.pk}" data-version="{message.case_version}" data-at="{message.at.isoformat()}"'
    if message.taken_back_at:
        said = _("%(name)s took a reply back before it was sent.") % {"name": message.author_name}
        told = f'<p class="muted">{escape(said)} {hour(message.taken_back_at)}</p>'
        return _safe(f'<article class="msg taken" {about}>{told}</article>')
    kind = _KINDS.get(message.direction, "note") + (" auto" if message.is_auto else "")
    parts = [_header(message, word), _warnings(message), _text(message), _beside(message, word)]
    if message.direction == Message.Direction.OUTBOUND:
        parts.append(f'<footer class="muted">{_step(message, word)}\n{_delivery(message, word)}</footer>')
    whose = f'data-author="{message.author_id or ""}"'
    said = "\n".join(filter(None, parts))
    return _safe(f'<article class="msg {kind}" {about} {whose}>\n{said}\n</article>')


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308 - put together from what is escaped


@lru_cache(maxsize=16)
def _words(_language: str) -> dict[str, str]:
    """What messages say in the active language, escaped."""
    said = {
        "answer": _("answer"),
        "automatic": _("automatic"),
        "anyway": _("sent anyway"),
        "note": _("note, only us"),
        "split": _("Split off into a case of its own"),
        "beginning": _("This is its beginning. Read all of it"),
        "came": _("As it came"),
        "mail": _("The mail as it came"),
        "inside": _("in the mail"),
        "next": _("Next step:"),
        "by": _("by"),
        "sending": _("sending"),
        "undo": _("Undo"),
        "again": _("trying again"),
        "way": _("on its way"),
        "sent": _("sent"),
        "back": _("taken back"),
        "twice": _("It may have arrived already. Send it again?"),
        "retry": _("Retry"),
    }
    return {key: escape(text) for key, text in said.items()}


def _at(name: str, message: Message) -> str:
    return address(name, message.case.number, message.pk)


# --- who and when


def _header(message: Message, word: dict[str, str]) -> str:
    chips = f' <span class="chip ok">{word["answer"]}</span>' if message.is_answer else ""
    chips += f' <span class="chip quiet">{word["automatic"]}</span>' if message.is_auto else ""
    chips += f' <span class="chip quiet">{word["anyway"]}</span>' if message.sent_anyway else ""
    way = ""
    if message.is_note:
        way = f"{icon('lock', 12)} {word['note']} · "
    elif message.direction == Message.Direction.INBOUND and message.channel:
        way = f"{escape(by_channel(message.channel))} · "
    told = f'<b>{escape(speaker(message))}</b>{chips} <span class="muted">{way}{hour(message.at)}</span>'
    return f"<header>{told}{feeling_marks(message)}{_split(message, word)}</header>"


def _split(message: Message, word: dict[str, str]) -> str:
    if not message.is_theirs:
        return ""
    return (
        f'<button type="button" class="ghost tiny split-off" hx-get="{_at("cases:split", message)}" hx-target="#ask-body"'
        f' hx-swap="innerHTML" title="{word["split"]}">{icon("split", 13)}<span class="unseen">{word["split"]}</span></button>'
    )


# --- what it says


def _warnings(message: Message) -> str:
    flags = [f'<li class="chip amber">{icon("triangle-alert", 12)} {escape(warned(f))}</li>' for f in message.flags]
    told = f'<ul class="flags">{"".join(flags)}</ul>' if flags else ""
    if message.subject and message.subject != message.case.subject:
        told += f'<p class="own-subject">{escape(message.subject)}</p>'
    return told


def _text(message: Message) -> str:
    if not message.folds:
        return f'<div class="text">{worded(beginning(message), message.direction)}</div>'
    pieces = "".join(_piece(piece["text"], escape(piece["folded"])) for piece in stretches(message))
    return f'<div class="text">{pieces}</div>'


def _piece(text: str, folded: str) -> str:
    if not folded:
        return f"<div>{worded(text)}</div>"
    seen = f'<span aria-hidden="true">…</span><span class="unseen">{folded}</span>'
    return f'<details class="fold-words"><summary title="{folded}">{seen}</summary>{worded(text)}</details>'


def _beside(message: Message, word: dict[str, str]) -> str:
    """The rest of a long one, a mail as it came, and files."""
    return "\n".join(filter(None, [_rest(message, word), _as_it_came(message, word), _files(message, word)]))


def _rest(message: Message, word: dict[str, str]) -> str:
    if not is_long(message):
        return ""
    link = f'<a href="{reverse("public:message_text", args=[message.token])}" target="_blank" rel="noopener">'
    size = f'<span class="muted">{filesize(len(message.text))}</span>'
    return f'<p class="read-all">{link}{icon("file-text", 13)} {word["beginning"]} {size}</a></p>'


def _as_it_came(message: Message, word: dict[str, str]) -> str:
    if not getattr(message, "has_html", False):  # asked for beside it, where a thread is read (cases.thread)
        return ""
    return (
        f'<details class="as-came"><summary>{icon("mail-open", 13)} {word["came"]}</summary>'
        f'<iframe src="{reverse("public:mail_body", args=[message.token])}" sandbox="allow-popups allow-popups-to-escape-sandbox"'
        f' referrerpolicy="no-referrer" loading="lazy" title="{word["mail"]}"></iframe></details>'
    )


def _files(message: Message, word: dict[str, str]) -> str:
    rows = "".join(_file(file, word) for file in message.attachments.all())
    return f'<ul class="files">{rows}</ul>' if rows else ""


def _file(file: Attachment, word: dict[str, str]) -> str:
    link = f'<a href="{reverse("public:attachment", args=[file.token])}" target="_blank" rel="noopener">'
    inside = f" · {word['inside']}" if file.content_id else ""
    size = f'<span class="muted">{filesize(file.size)}{inside}</span>'
    return f"<li>{link}{icon('image' if file.content_id else 'paperclip', 14)} {escape(file.name)} {size}</a></li>"


# --- what became of it


def _step(message: Message, word: dict[str, str]) -> str:
    if not message.next_step:
        return ""
    due = f" · {word['by']} {moment(message.by_when)}" if message.by_when else ""
    return f"<span>{word['next']} {escape(message.next_step)}{due}</span>"


def _delivery(message: Message, word: dict[str, str]) -> str:
    sent = message.dispatch
    if sent is None:
        return ""
    spinner = '<span class="spinner" aria-hidden="true"></span>'
    if sent.state == State.HELD and not sent.released_at:
        undo = (
            f'<button type="button" class="small undo" data-only-for="{message.author_id}" hidden hx-post="{_at("cases:undo", message)}"'
            f' hx-swap="none">{icon("undo-2", 14)} {word["undo"]} <span data-countdown></span></button>'
        )
        release = f'data-release="{sent.release_at.isoformat()}"'
        return f'<span class="delivery sending" {release}>{spinner}{word["sending"]}{undo}</span>'
    if sent.state in {State.HELD, State.CLAIMED}:
        is_again = sent.attempts > 1 or (sent.attempts and sent.state == State.HELD)
        return f'<span class="delivery sending">{spinner}{word["again" if is_again else "way"]}</span>'
    if sent.state == State.SENT:
        return f'<span class="delivery ok">{icon("check", 13)} {word["sent"]} {hour(sent.sent_at)}</span>'
    if sent.state == State.UNDONE:
        return f'<span class="delivery">{word["back"]}</span>'
    return _trouble(message, sent, word)


def _trouble(message: Message, sent: Dispatch, word: dict[str, str]) -> str:
    tone, asks = ("amber", f' hx-confirm="{word["twice"]}"') if sent.state == State.UNKNOWN else ("red", "")
    why = f": {escape(cause(sent.reason))}" if sent.reason else ""
    retry = (
        f'<button type="button" class="small" hx-post="{_at("cases:retry", message)}" hx-swap="none"{asks}>'
        f"{icon('rotate-ccw', 13)} {word['retry']}</button>"
    )
    said = escape(sent.get_state_display())
    return f'<span class="delivery {tone}">{icon("triangle-alert", 13)} {said}{why} {retry}</span>'
