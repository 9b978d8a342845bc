"""What a list says fifty times a page, put together in Python: a template asks for each word through many hands."""

from datetime import datetime
from functools import lru_cache

from django import template
from django.urls import get_script_prefix, reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cases import transitions
from cases.models import Case
from cases.templatetags.console import is_waiting, moment, since
from crm.models import User
from crm.templatetags.icons import icon

register = template.Library()

_ICONS = {"mail": "mail", "email": "mail", "web": "globe", "form": "globe", "chat": "message-circle", "phone": "phone"}


@register.filter
def row_data(case: Case) -> SafeString:
    """The attributes by which the browser knows a row, orders it and sees whose it is and in which view."""
    return mark_safe(  # noqa: S308 - numbers, and words of our own, escaped
        f'id="row-{case.number}" data-case="{case.number}" data-id="{case.pk}" data-version="{case.version}"'
        f' data-queue="{case.queue_id}" data-assignee="{case.assignee_id or ""}" data-status="{escape(case.status)}"'
        f' data-priority="{escape(case.priority)}" data-promise="{epoch_ms(case.promise_due_at)}"'
        f' data-snoozed="{epoch_ms(case.snoozed_until)}" data-attention="{epoch_ms(case.attention_at)}"'
        f' data-waiting="{epoch_ms(case.waiting_since)}" data-last="{epoch_ms(case.last_message_at)}"'
        f' data-opened="{epoch_ms(case.opened_at)}"'
    )


def epoch_ms(at: datetime | None) -> str:
    """A moment as the browser counts, for ordering rows; nothing when there is none."""
    return str(int(at.timestamp() * 1000)) if at else ""


@register.filter
def case_address(case: Case) -> str:
    """Where a case is read."""
    return f"{_cases(get_script_prefix())}{case.number}/"


@lru_cache(maxsize=8)
def _cases(_prefix: str) -> str:
    return reverse("cases:case", args=[0]).removesuffix("0/")


@register.filter
def stand(case: Case) -> SafeString:
    """How it stands, in a word or a length of time: asleep, waiting for us, with the customer."""
    if case.is_snoozed:
        said = f"{icon('moon', 12)}{_unseen(_('asleep until'))} {moment(case.snoozed_until)}"
    elif is_waiting(case):
        said = f"{_unseen(_('waiting'))}{since(case.waiting_since)}"
    elif case.status == transitions.WAITING_CUSTOMER:
        said = escape(_("with customer"))
    else:
        said = escape(_("inside") if case.status == transitions.WAITING_INTERNAL else case.get_status_display())
    return mark_safe(said)  # noqa: S308 - put together from what is escaped


@register.filter
def who(user: User | None) -> SafeString:
    """Whose it is: initials for the eye, the name for who hears the page."""
    if user is None:
        return mark_safe("")
    name = escape(user.name)
    chip = f'<span class="who" data-user="{user.pk}" title="{name}">{escape(user.initials)}{_unseen(" " + user.name)}</span>'
    return mark_safe(chip)  # noqa: S308 - put together from what is escaped


def _unseen(text: str) -> str:
    """Said to who hears the page, not shown."""
    return f'<span class="unseen">{escape(text)}</span>'


@register.filter
def channel_icon(channel: str) -> str:
    """The picture of a channel."""
    return icon(_ICONS.get(channel, "message-square"), 14)
