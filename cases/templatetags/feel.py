"""Feelings on a screen: the marks of one message, and the course of a case."""

from datetime import timedelta
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cases import feelings
from cases.models import Case, Message
from crm.addressing import address
from crm.templatetags.icons import icon

register = template.Library()
_ADDRESS = "\ue000"  # stands for what is another in each message
_SOON = timedelta(minutes=2)  # after which one that is not guessed will not be in a moment
_AGAIN = f' hx-get="{_ADDRESS}" hx-trigger="load delay:5s" hx-swap="outerHTML"'
_ICONS = {Message.Feeling.GOOD: "smile", Message.Feeling.NEUTRAL: "meh", Message.Feeling.BAD: "frown"}


@register.simple_tag
def feeling_marks(message: Message) -> SafeString:
    """Three small buttons on what a customer wrote; the one that is pressed, pressed again, is taken back. Beside them what
    it sounds like where nobody marked anything: pressed, it is a mark. Everybody is sent the same: whoever may not mark sees
    only what is marked (static/css/thread.css). One that came just now asks again once it was guessed."""
    if not message.is_theirs:
        return SafeString("")
    where = address("cases:feeling", message.case.number, message.pk)
    percent = round(100 * message.felt_p) if message.felt_p is not None else None
    guess = "" if message.feeling else message.felt_guess
    marks = _marks(message.feeling, guess, percent if guess else None, _is_new(message), get_language() or "")
    return mark_safe(marks.replace(_ADDRESS, escape(where)))  # noqa: S308 - put together from what is escaped


def _is_new(message: Message) -> bool:
    """Not guessed yet, and about to be."""
    return not message.feeling and message.felt_by is None and timezone.now() - message.created_at < _SOON


@lru_cache(maxsize=2000)
def _marks(marked: str, guess: str, percent: int | None, is_new: bool, _language: str) -> str:
    """The same for every message that is marked so, but for its address: a thread has many."""
    told = _guessed(guess, percent) if guess else ""
    buttons = "".join(_button(feeling, on=marked == feeling) for feeling in _ICONS)
    again = _AGAIN if is_new else ""
    return f'<span class="feel" role="group" aria-label="{escape(_("How they felt"))}"{again}>{told}{buttons}</span>'


def _guessed(guess: str, percent: int | None) -> SafeString:
    """A button that makes a mark of what is only guessed."""
    word = str(Message.Feeling(guess).label)
    said = _("seems %(feeling)s, %(percent)s %%") if percent is not None else _("seems %(feeling)s")
    return format_html(
        '<button type="button" class="ghost guess" title="{}" hx-post="{}" hx-vals=\'{{"feeling":"{}"}}\' hx-swap="none">{}</button>',
        _("A guess. Press if it is right; if not, press what is."),
        _ADDRESS,
        guess,
        said % {"feeling": word, "percent": percent},
    )


def _button(feeling: Message.Feeling, *, on: bool) -> str:
    return format_html(
        '<button type="button" class="ghost {}" aria-pressed="{}" title="{}" aria-label="{}" hx-post="{}" '
        'hx-vals=\'{{"feeling":"{}"}}\' hx-swap="none">{}</button>',
        feeling.value,
        "true" if on else "false",
        feeling.label,
        feeling.label,
        _ADDRESS,
        "" if on else feeling.value,
        icon(_ICONS[feeling], 15),
    )


@register.simple_tag
def course_of(case: Case) -> feelings.Course:
    """The first feeling and the latest."""
    return feelings.course(case)


@register.filter
def feeling_word(feeling: str) -> str:
    return str(dict(Message.Feeling.choices).get(feeling, _("unknown")))
