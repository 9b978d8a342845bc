"""Feelings on a screen: the marks of one message, and the course of a case."""

from functools import cache

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cases import feelings
from cases.models import Case, Message
from crm.templatetags.icons import icon

register = template.Library()
_ADDRESS = "\ue000"  # stands for what is another in each message
_ICONS = {Message.Feeling.GOOD: "smile", Message.Feeling.NEUTRAL: "meh", Message.Feeling.BAD: "frown"}


@register.simple_tag
def feeling_marks(message: Message) -> SafeString:
    """Three small buttons on what a customer wrote; the one that is pressed, pressed again, is taken back. Everybody is
    sent the same: whoever may not mark sees only what is marked (static/css/thread.css)."""
    if message.direction != Message.Direction.INBOUND or message.is_auto:
        return SafeString("")
    address = reverse("cases:feeling", args=[message.case.number, message.pk])
    marks = _marks(message.feeling, get_language() or "").replace(_ADDRESS, escape(address))
    return mark_safe(marks)  # noqa: S308 - put together from what is escaped


@cache
def _marks(marked: str, _language: str) -> str:
    """The same for every message that is marked so, but for its address: a thread has many."""
    buttons = "".join(_button(feeling, on=marked == feeling) for feeling in _ICONS)
    return f'<span class="feel" role="group" aria-label="{escape(_("How they felt"))}">{buttons}</span>'


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
