"""How the console writes times, clocks, channels and events. Times carry their moment; the browser words them."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise as LazyText
from django.utils.html import format_html, json_script, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from cases import telling, transitions
from cases.models import Case, Clock, Message
from cases.undelivered import cause
from crm.models import Event
from crm.stalls import TIME
from crm.templatetags.icons import icon

register = template.Library()

_SHORT: dict[str, LazyText] = {
    "first_response": gettext_lazy("first answer"),
    "next_response": gettext_lazy("next answer"),
    "update": gettext_lazy("update"),
    "resolution": gettext_lazy("resolve"),
}
_AMBER_SHARE = 0.25


def _length(seconds: float) -> str:
    """A duration in its largest unit, as the browser words it too (static/js/console/times.js)."""
    minutes, (minute, hour) = int(seconds // 60), _units(get_language())
    if minutes < 60:
        return minute % {"n": max(minutes, 0)}
    if minutes < 48 * 60:
        return hour % {"n": minutes // 60}
    return ngettext("%(n)s day", "%(n)s days", minutes // 1440) % {"n": minutes // 1440}


# Rows say these fifty times a page, and looking a word up goes through many hands.
@lru_cache(maxsize=16)
def _units(_language: str | None) -> tuple[str, str]:
    return _("%(n)s min"), _("%(n)s h")


@lru_cache(maxsize=16)
def _late(_language: str | None) -> str:
    return f'<span class="late-word">{escape(_("late"))} </span>'


@lru_cache(maxsize=64)
def _label(kind: str, _language: str | None) -> str:
    return escape(str(_SHORT.get(kind, kind)))


def _time(at: datetime | None, kind: str, text: str) -> str:
    if at is None:
        return ""
    said = f'<time datetime="{at.isoformat()}" data-kind="{kind}">{escape(text)}</time>'
    return mark_safe(said)  # noqa: S308 - a moment, a word of ours, and the text escaped


@register.simple_tag
def since(at: datetime | None) -> str:
    """How long ago."""
    return _time(at, "since", _length((timezone.now() - at).total_seconds())) if at else ""


@register.simple_tag
def lasting(text: str, since: str) -> SafeString:
    """What stands still, in a sentence (crm.stalls), with how long where it has a place for it."""
    at = datetime.fromisoformat(since)
    seconds = (timezone.now() - at).total_seconds()
    before, _place, after = text.partition(TIME)
    said = _time(at, "lasting", _length(seconds) if seconds >= 60 else _("less than a minute"))
    return format_html("{}{}{}", before, mark_safe(said), after)  # noqa: S308 - made of what is escaped


@register.simple_tag
def until(at: datetime | None) -> str:
    """How long until, or how long past."""
    return _time(at, "until", _length(abs((at - timezone.now()).total_seconds()))) if at else ""


@register.simple_tag
def moment(at: datetime | None) -> str:
    """The hour if it is today, else the day."""
    return _time(at, "moment", _moment(at)) if at else ""


@register.simple_tag
def hour(at: datetime | None) -> str:
    """The hour."""
    return _time(at, "hour", f"{timezone.localtime(at):%H:%M}") if at else ""


def _moment(at: datetime) -> str:
    zone = timezone.get_current_timezone()
    local, today = at.astimezone(zone), timezone.now().astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    return date_format(local, "j M H:i" if abs(local.date() - today) < timedelta(days=7) else "j M Y")


# --- clocks


def _amber_at(clock: Clock) -> datetime | None:
    """From when a clock is amber: its own warning, else the last quarter of its target."""
    if clock.warn_at or clock.due_at is None:
        return clock.warn_at
    return clock.due_at - timedelta(seconds=float(clock.target_seconds) * _AMBER_SHARE)


@register.simple_tag
def clock_chip(clock: Clock, *, why: bool = False) -> SafeString:
    """One target as a chip: calm, amber, red, paused (`why`: with its reason) or met, in words too. Every row
    has one: no template for it."""
    label = _label(clock.kind, get_language())
    if clock.met_at:
        tone, said = ("quiet", _("met, late")) if clock.breached_at else ("ok", _("met"))
        chip = f'<span class="chip {tone}">{label} {icon("check", 12)}<span class="unseen">{escape(said)}</span></span>'
    elif clock.due_at is None:
        chip = _standing(clock, label, why)
    else:
        chip = _running(label, clock.due_at, _amber_at(clock))
    return mark_safe(chip)  # noqa: S308 - put together from what is escaped


def _standing(clock: Clock, label: str, why: bool) -> str:
    """What stands still does so because of the case's status. What runs without a time is of hours that never open."""
    late = _late(get_language()) if clock.breached_at else ""
    said = _("paused") if not clock.is_running else _("never open")
    said += f": {clock.case.get_status_display()}" if why and not clock.is_running else ""
    return f'<span class="chip clock {"red" if late else "paused"}">{label} {late}{escape(said)}</span>'


def _running(label: str, due: datetime, amber: datetime | None) -> str:
    now = timezone.now()
    tone = "red" if now >= due else "amber" if amber and now >= amber else "calm"
    warned = f' data-amber="{amber.isoformat()}"' if amber else ""
    late = _late(get_language())
    return f'<span class="chip clock {tone}" data-due="{due.isoformat()}"{warned}>{label} {late}{until(due)}</span>'


@register.filter
def nearest(case: Case) -> Clock | None:
    """The clock a row shows: the running one that falls due first, else a paused one."""
    held = getattr(case, "open_clocks", None)
    clocks = held if held is not None else list(case.clocks.filter(met_at=None, cancelled_at=None))
    open_now = [c for c in clocks if c.met_at is None]
    running = [c for c in open_now if c.due_at]
    return min(running, key=lambda c: c.due_at) if running else next(iter(open_now), None)  # type: ignore[arg-type, return-value]


@register.filter
def clocks(case: Case) -> list[Clock]:
    """Every clock that is open or was met, the newest of its kind, in a steady order."""
    held = getattr(case, "open_clocks", None)
    found = held if held is not None else list(case.clocks.filter(cancelled_at=None).order_by("kind", "-started_at"))
    newest: dict[str, Clock] = {}
    for clock in found:
        newest.setdefault(clock.kind, clock)
    return [newest[kind] for kind in _SHORT if kind in newest]


# --- words


@register.filter
def speaker(message: Message) -> str:
    """Who says it: the customer by the name they wrote under, one of us, or the house itself."""
    if message.direction == Message.Direction.INBOUND:
        return message.sender_name or str(message.case.customer or "") or _("Customer")
    return message.author_name or _("System")


@register.filter
def by_channel(channel: str) -> str:
    """The way it came."""
    return _("by %(channel)s") % {"channel": channel}


_MENTION = re.compile(r"(?<![\w@])@[\w.-]{2,150}")
_LINKABLE = re.compile(r"[.:@]\S")  # what an address has inside a word; most messages have none


@register.filter
def worded(text: str, kind: str = "") -> SafeString:
    """A message's text for reading: escaped, links as links, names in notes marked. Line breaks are the stylesheet's."""
    linked = urlize(text, nofollow=True, autoescape=True) if _LINKABLE.search(text) else escape(text)
    if kind == "note":
        linked = _MENTION.sub(lambda m: f"<mark>{escape(m[0])}</mark>", linked)
    return mark_safe(linked)  # noqa: S308 - urlize escapes, and a mention is a word


register.filter(cause)


@register.filter
def told(event: Event) -> str:
    """An event as a sentence."""
    return telling.told(event)


@register.filter
def named_people(rows: list[dict[str, Any]]) -> str:
    """Names of people as they were read with a case."""
    return ", ".join(f"{row['first']} {row['last']}".strip() or row["handle"] for row in rows)


@register.filter
def is_waiting(case: Case) -> bool:
    """Whether the customer waits for us."""
    return case.waiting_since is not None and case.status in {transitions.NEW, transitions.OPEN}


@register.filter
def is_over(case: Case) -> bool:
    """Whether nothing runs against us in it any more."""
    return case.status not in transitions.ACTIVE


@register.filter
def is_finished(case: Case) -> bool:
    """Whether nothing can be sent from it any more."""
    return case.status in {*transitions.FINAL, transitions.SPAM}


@register.filter
def either(one: object, other: object) -> bool:
    return bool(one or other)


@register.filter
def first_mode(finished: bool, watching: bool) -> str:
    """What the composer begins with: who watches whispers, and from a finished case nothing can be sent."""
    return "whisper" if watching and not finished else "note" if finished else "reply"


@register.filter
def filesize(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, size // 1024)} kB"


@register.simple_tag
def console_words() -> SafeString:
    """The sentences the console's scripts say, in the person's language (static/js/console/words.js)."""
    return json_script(
        {
            "min": _("%s min"),
            "hour": _("%s h"),
            "day": _("%s d"),
            "live": _("live"),
            "connecting": _("connecting"),
            "late": _("updates are late"),
            "reconnecting": _("reconnecting in %s s"),
            "offline": _("offline since %s"),
            "offline_long": _("Live updates stopped at %s. What you send still goes out."),
            "last": _("last event %s"),
            "newer": _("%s newer · show"),
            "newer_said": _("%s newer cases"),
            "moved": _("order changed · show"),
            "tasks_said": _("%s newer tasks"),
            "saved": _("draft saved %s"),
            "saving": _("saving…"),
            "unsaved": _("draft not saved yet: no connection"),
            "new": _("new"),
            "below": _("%s new below"),
            "arrived": _("New message from %s"),
            "earlier_changes": _("%s earlier changes"),
            "today": _("Today"),
            "yesterday": _("Yesterday"),
            "reload_files": _("The files you chose must be chosen again after it. Reload all the same?"),
            "reload_unsaved": _("Your words could not be saved, so nothing was loaded anew. Try again."),
            "reload_do": _("Reload"),
            "gone": _("You can no longer see this case."),
            "with_other": _("now with %s"),
            "failed": _("That did not arrive: no connection. Nothing is lost; try again."),
            "failed_server": _("Something went wrong on our side. Nothing is lost; try again."),
            "forbidden": _("You may no longer see this. Reload the page."),
            "signed_out": _("You are signed out. Your drafts are kept; sign in again."),
            "undo_in": _("%s s"),
            "sent": _("Sent in a moment; undo is in the thread."),
            "noted": _("Note added."),
            "open": _("has it open"),
            "viewing": _("is looking"),
            "typing": _("is typing"),
            "executive": _("executive"),
            "no_command": _("No command by that name. Enter searches."),
            "open_case": _("Open case #%s"),
            "search_for": _("Search for “%s”"),
            "offers": _("What may come next"),
            "picked": _("%s chosen"),
            "picked_none": _("Nothing is chosen"),
            "picked_for": _("%s cases:"),
            "pick_everything": _("Choose all %s in this view"),
            "watches": _("is watching"),
            "as_lead": _("lead"),
            "as_supervisor": _("supervisor"),
            "as_helping": _("helps here"),
            "types_now": _("%s is typing"),
            "taken": _("%s has it"),
            "left": _("no longer in this view"),
            "moves": _("This replaces the promise of %s: “%s”."),
            "too_big": _("These files are more than 10 MB together. Send fewer, or a link."),
            "remove": _("remove"),
            "saved_found": _("%s saved replies. Arrows choose, Enter inserts."),
            "inserted": _("Inserted into your reply."),
            "open_it": _("Open"),
            "news_many": _("%s new things, the latest: %s"),
            "news_show": _("Show"),
            "while_away": _("While you were away: news on %s cases."),
            "while_away_one": _("While you were away: news on one case."),
            "notifications": _("Notifications"),
            "device_failed": _("This browser could not be set up."),
            "queues": _("Queues"),
            "customers": _("Customers"),
            "problems": _("Known problems"),
            "board": _("Board"),
            "undo": _("Undo"),
            "search": _("Search"),
            "keys": _("Keys"),
            "less_than_a_minute": _("less than a minute"),
            "works_again": _("Everything works again."),
        },
        "words",
    )
