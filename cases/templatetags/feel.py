"""Feelings on a screen: the marks of one message, and the course of a case."""

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cases import feelings
from cases.models import Case, Message
from crm.templatetags.icons import icon

register = template.Library()
_ICONS = {Message.Feeling.GOOD: "smile", Message.Feeling.NEUTRAL: "meh", Message.Feeling.BAD: "frown"}


@register.simple_tag
def feeling_marks(message: Message) -> SafeString:
    """Three small buttons on what a customer wrote; the one that is pressed, pressed again, is taken back. Everybody is
    sent the same: whoever may not mark sees only what is marked (static/css/thread.css). No template: a thread has many."""
    if message.direction != Message.Direction.INBOUND or message.is_auto:
        return SafeString("")
    address = reverse("cases:feeling", args=[message.case.number, message.pk])
    buttons = "".join(_button(message, feeling, address) for feeling in _ICONS)
    group = f'<span class="feel" role="group" aria-label="{escape(_("How they felt"))}">{buttons}</span>'
    return mark_safe(group)  # noqa: S308 - put together from what is escaped


def _button(message: Message, feeling: Message.Feeling, address: str) -> str:
    on = message.feeling == feeling
    return format_html(
        '<button type="button" class="ghost {}" aria-pressed="{}" title="{}" aria-label="{}" hx-post="{}" '
        'hx-vals=\'{{"feeling":"{}"}}\' hx-swap="none">{}</button>',
        feeling.value,
        "true" if on else "false",
        feeling.label,
        feeling.label,
        address,
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
