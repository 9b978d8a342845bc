"""What the board draws: figures with their words, the last hour as a picture."""

from dataclasses import dataclass

from django import template
from django.utils.functional import Promise as LazyText
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.board import Stand
from cases.figures import Pulse

register = template.Library()
WIDTH, HALF, STEP = 120, 18, 10  # the picture's measures


@dataclass(frozen=True)
class Figure:
    """How a number is called. `tone` is its colour where it is not nought."""

    title: LazyText
    label: LazyText
    why: LazyText
    tone: str = ""


FIGURES: dict[str, Figure] = {
    "waiting": Figure(
        gettext_lazy("Waiting for us"), gettext_lazy("waiting"), gettext_lazy("whose customer waits for us")
    ),
    "due_soon": Figure(
        gettext_lazy("Due in 15 minutes"),
        gettext_lazy("due in 15 min"),
        gettext_lazy("where a service time or a promise falls due within 15 minutes"),
        "amber",
    ),
    "overdue": Figure(
        gettext_lazy("Overdue"),
        gettext_lazy("overdue"),
        gettext_lazy("where a service time or a promise is past due"),
        "red",
    ),
    "promised": Figure(
        gettext_lazy("Promised for today"),
        gettext_lazy("promised today"),
        gettext_lazy("with an open promise for today"),
        "violet",
    ),
    "broken": Figure(
        gettext_lazy("Promises broken today"),
        gettext_lazy("broken today"),
        gettext_lazy("with a promise whose time passed today without its being kept"),
        "red",
    ),
    "unassigned": Figure(
        gettext_lazy("Nobody’s yet"),
        gettext_lazy("nobody’s yet"),
        gettext_lazy("that nobody has, and that do not sleep"),
    ),
    "met": Figure(
        gettext_lazy("Met their service times today"),
        gettext_lazy("in time today"),
        gettext_lazy("with service times that were met today, all of them in time"),
    ),
    "missed": Figure(
        gettext_lazy("Missed a service time today"),
        gettext_lazy("missed today"),
        gettext_lazy("with a service time that ran out today"),
        "red",
    ),
    "arrived": Figure(
        gettext_lazy("Written by customers in the last hour"),
        gettext_lazy("in, last hour"),
        gettext_lazy("in which a customer wrote in the last hour"),
    ),
    "answered": Figure(
        gettext_lazy("Answered in the last hour"),
        gettext_lazy("out, last hour"),
        gettext_lazy("that we wrote to in the last hour"),
    ),
}


@register.filter
def work(stand: Stand) -> list[tuple[str, int, Figure]]:
    """The figures of what is at hand, and of the promises that broke."""
    names = ("waiting", "due_soon", "overdue", "promised", "broken", "unassigned")
    return [(name, stand.figures.counts[name], FIGURES[name]) for name in names]


@register.filter
def talk(stand: Stand) -> list[tuple[str, int, Figure]]:
    """The figures of the last hour."""
    return [(name, stand.figures.counts[name], FIGURES[name]) for name in ("arrived", "answered")]


@register.filter
def drawn(pulse: Pulse) -> SafeString:
    """What came in (up) and went out (down) in the last hour, five minutes a bar, on one scale."""
    most = max(*pulse.arrived, *pulse.answered, 1)
    bars = [_bar(n, value, most, up=True) for n, value in enumerate(pulse.arrived) if value]
    bars += [_bar(n, value, most, up=False) for n, value in enumerate(pulse.answered) if value]
    told = _(
        "The last hour in pieces of five minutes: %(arrived)s messages came in, %(answered)s answers went out."
    ) % {
        "arrived": sum(pulse.arrived),
        "answered": sum(pulse.answered),
    }
    return format_html(
        '<svg class="pulse" role="img" viewBox="0 0 {} {}" width="{}" height="{}" aria-label="{}"><title>{}</title>{}'
        '<line x1="0" x2="{}" y1="{}" y2="{}"/></svg>',
        *(WIDTH, 2 * HALF + 2, WIDTH, 2 * HALF + 2, told, told),
        mark_safe("".join(bars)),  # noqa: S308 - numbers alone
        *(WIDTH, HALF + 1, HALF + 1),
    )


def _bar(n: int, value: int, most: int, *, up: bool) -> str:
    height = max(2, round(value / most * HALF))
    top = HALF - height if up else HALF + 2
    return f'<rect class="{"in" if up else "out"}" x="{n * STEP + 1}" y="{top}" width="{STEP - 2}" height="{height}" rx="1"/>'
