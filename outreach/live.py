"""What the problem and notice streams show to whom. Registered with crm.live when the app starts.

A problem's events change the line above the thread of the cases it touches, which is pushed whole, and its room, which
asks again; a notice's events let its progress be asked for again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string

from cases.hooks import Banner
from cases.models import Case
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening
from crm.models import User
from crm.roles import may
from outreach import banner
from outreach.models import Exposure, KnownProblem, Notice, ProblemCase

# After these a case may be touched no more.
_LETTING_GO = {"condition_changed", "exposure_counted", "closed", "reopened", "case_unlinked"}


def problem_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    newest = {event.stream_id: event for event in events}
    for pk, event in newest.items():
        yield Fragment(f"problem.{pk}", "problem", pk, "room", event.version, event.kind)
    numbers = _numbers(only)
    if numbers is None or numbers:
        yield from _banners(newest, events, numbers)


def _numbers(only: Collection[str] | None) -> list[int] | None:
    """The cases somebody asks about; None: all."""
    if only is None:
        return None
    return [int(topics.ident(t)) for t in only if t.startswith("case.") and topics.ident(t).isdigit()]


def _banners(
    newest: Mapping[int, Happening], events: Sequence[Happening], only: list[int] | None
) -> Iterator[Fragment]:
    """Each case once for each problem: what it shows now, whichever problem that is of."""
    asked = Case.objects.active() if only is None else Case.objects.filter(number__in=only)
    loose = {event.stream_id for event in events if event.kind in _LETTING_GO}
    for pk, event in newest.items():
        touched = asked if pk in loose else asked.filter(_touched(pk))
        for case in touched.only("number", "customer_id"):
            part = Fragment(f"case.{case.number}", "problem", pk, "banner", event.version, event.kind)
            yield _with(part, partial(_line, case))


def _with(part: Fragment, html: "partial[str]") -> Fragment:
    return Fragment(part.topic, part.stream, part.subject, part.part, part.version, part.kind, html=html)


def _touched(problem: int) -> Exists:
    linked = ProblemCase.objects.filter(problem=problem, case=OuterRef("pk"))
    exposed = Exposure.objects.filter(problem=problem, customer=OuterRef("customer_id"))
    return Exists(linked) | Exists(exposed)  # type: ignore[return-value]


def _line(case: Case) -> str:
    shown: Banner = banner.of_case(case, User()) or banner.NOTHING
    return render_to_string("cases/_banner.html", {"banner": shown, "number": case.number})


def notice_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    for pk, event in {event.stream_id: event for event in events}.items():
        yield Fragment(f"notice.{pk}", "notice", pk, "progress", event.version, event.kind)


def may_watch_problem(user: User, pk: str) -> bool:
    return pk.isdigit() and may(user, "problem.see") and KnownProblem.objects.filter(pk=int(pk)).exists()


def may_watch_notice(user: User, pk: str) -> bool:
    return pk.isdigit() and may(user, "problem.see") and Notice.objects.filter(pk=int(pk)).exists()


streams.register("problem", fragments=problem_fragments)
streams.register("notice", fragments=notice_fragments)
topics.register("problem", may_watch=may_watch_problem)
topics.register("notice", may_watch=may_watch_notice)
