"""One case in a list. Fifty to a page and each pushed live to everybody: put together in Python, because a template asks for
each word through many hands (a page of fifty took 2,200 of them)."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from cases import transitions
from cases.models import Case
from cases.templatetags.console import clock_chip, is_waiting, moment, nearest, since
from cases.undelivered import cause
from crm.addressing import address
from crm.models import User
from crm.templatetags.icons import icon

register = template.Library()

_ICONS = {"mail": "mail", "email": "mail", "web": "globe", "form": "globe", "chat": "message-circle", "phone": "phone"}
_TAGS = 2  # as many as fit


@register.filter
def row(case: Case) -> SafeString:
    """A case (with customer, assignee and open_clocks: cases.lists.for_rows) as a row of a list, the same for every
    reader: whose it is and which view it belongs to the browser reads from the data attributes."""
    word = _words(get_language() or "")
    waiting, inbound = is_waiting(case), case.preview_direction == "inbound"
    classes = "case" + ("" if waiting else " quiet") + (" inbound" if inbound else "")
    channel, person = escape(case.channel), escape(str(case.customer)) if case.customer_id else word["nobody"]
    ours = f"{word['we']}{icon('corner-up-left', 12)} " if case.preview_direction == "outbound" else ""
    return mark_safe(  # noqa: S308 - put together from what is escaped
        f'<li class="{classes}" {_data(case)}>'
        f'<input type="checkbox" class="pick-box" data-pick tabindex="-1" aria-label="{word["choose"]} #{case.number}">'
        f'<a href="{address("cases:case", case.number)}">\n'
        f'<span class="t"><span class="ch" title="{channel}">{_channel_icon(case.channel)}{_unseen(channel)}</span>'
        f'<b class="name">{person}</b><span class="wait">{_stand(case, waiting, word)}</span></span>\n'
        f'<span class="p">{ours}{escape(case.preview or case.subject)}</span>\n'
        f'<span class="c"><span class="cs">{"".join(_chips(case, word))}</span>'
        f'<span class="eyes" data-eyes="case.{case.number}"></span>{_who(case.assignee)}</span>\n</a>\n</li>'
    )


@lru_cache(maxsize=16)
def _words(_language: str) -> dict[str, str]:
    """What rows say in the active language, escaped."""
    said = {
        "choose": _("Choose"),
        "nobody": _("Unknown customer"),
        "promised": _("promised"),
        "sending": _("sending"),
        "failed": _("not delivered"),
        "unknown": _("may not have arrived"),
        "customer": _("with customer"),
        "inside": _("inside"),
    }
    unseen = {"we": _("we:"), "waiting": _("waiting"), "asleep": _("asleep until")}
    return {key: escape(text) for key, text in said.items()} | {k: _unseen(escape(t)) for k, t in unseen.items()}


def _data(case: Case) -> str:
    """The attributes by which the browser knows a row, orders it and sees whose it is and in which view."""
    return (
        f'id="row-{case.number}" data-case="{case.number}" data-id="{case.pk}" data-version="{case.version}"'
        f' data-queue="{case.queue_id}" data-assignee="{case.assignee_id or ""}" data-status="{escape(case.status)}"'
        f' data-priority="{escape(case.priority)}" data-promise="{_epoch_ms(case.promise_due_at)}"'
        f' data-snoozed="{_epoch_ms(case.snoozed_until)}" data-attention="{_epoch_ms(case.attention_at)}"'
        f' data-waiting="{_epoch_ms(case.waiting_since)}" data-last="{_epoch_ms(case.last_message_at)}"'
        f' data-opened="{_epoch_ms(case.opened_at)}"'
    )


def _epoch_ms(at: datetime | None) -> str:
    """A moment as the browser counts, for ordering rows; nothing when there is none."""
    return str(int(at.timestamp() * 1000)) if at else ""


def _stand(case: Case, waiting: bool, word: dict[str, str]) -> str:
    """How it stands, in a word or a length of time: asleep, waiting for us, with the customer."""
    if case.is_snoozed:
        return f"{icon('moon', 12)}{word['asleep']} {moment(case.snoozed_until)}"
    if waiting:
        return f"{word['waiting']}{since(case.waiting_since)}"
    if case.status == transitions.WAITING_CUSTOMER:
        return word["customer"]
    return word["inside"] if case.status == transitions.WAITING_INTERNAL else escape(case.get_status_display())


def _chips(case: Case, word: dict[str, str]) -> Iterator[str]:
    """What a row has to say beside its words, the most pressing first."""
    if clock := nearest(case):
        yield clock_chip(clock)
    if case.promise_due_at:
        yield (
            f'<span class="chip promise" data-due="{case.promise_due_at.isoformat()}">{word["promised"]}'
            f" {moment(case.promise_due_at)}</span>"
        )
    if case.open_tasks:
        yield _tasks(case)
    if case.send_state:
        yield _sending(case, word)
    if case.priority in {"urgent", "high"}:
        yield f'<span class="chip red">{escape(case.get_priority_display())}</span>'
    for tag in case.tags[:_TAGS]:
        yield f'<span class="chip tag">{escape(tag)}</span>'


def _tasks(case: Case) -> str:
    said = escape(ngettext("%(n)s task", "%(n)s tasks", case.open_tasks) % {"n": case.open_tasks})
    if not case.task_due_at:
        return f'<span class="chip task">{said}</span>'
    return f'<span class="chip task" data-due="{case.task_due_at.isoformat()}">{said} {moment(case.task_due_at)}</span>'


def _sending(case: Case, word: dict[str, str]) -> str:
    """What has become of the newest message to the customer, where that is not simply sent."""
    if case.send_state == "sending":
        return f'<span class="chip sending">{word["sending"]}</span>'
    tone = {"failed": "red", "unknown": "amber"}.get(case.send_state)
    if tone is None:
        return ""
    why = escape(str(cause(case.send_reason)))
    heard = _unseen(f": {why}") if case.send_reason else ""
    return f'<span class="chip {tone}" title="{why}">{word[case.send_state]}{heard}</span>'


def _who(user: User | None) -> str:
    """Whose it is: initials for the eye, the name for who hears the page."""
    if user is None:
        return ""
    name = escape(user.name)
    return f'<span class="who" data-user="{user.pk}" title="{name}">{escape(user.initials)}{_unseen(" " + name)}</span>'


def _unseen(text: str) -> str:
    """Said to who hears the page, not shown. The text is escaped already."""
    return f'<span class="unseen">{text}</span>'


def _channel_icon(channel: str) -> str:
    return icon(_ICONS.get(channel, "message-square"), 14)
