"""What customers answered when asked on their page whether it was solved: how many were asked, how many answered, and which
share of those said yes (docs/status-page.md). Who answers is no sample of all: so the three stand together, always."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases import transitions
from cases.asking import quoted
from cases.models import Queue, SurveyAsking
from cases.shares import Share, share

SPAN = timedelta(days=90)  # what the board looks back


@dataclass(frozen=True)
class Answers:
    """Of those who were first asked in a time: so many `answered`, by now, and this share of these says that it was solved."""

    asked: int
    answered: int
    solved: Share


NONE = Answers(0, 0, share(0, 0))


def answers(queues: Collection[int], since: datetime, until: datetime) -> dict[int, Answers]:
    """By queue, where anybody was asked; one query. What an answer says is what it says now: it may be changed for a day."""
    rows = SurveyAsking.objects.filter(case__queue__in=queues, at__gte=since, at__lt=until)
    found = rows.exclude(case__status=transitions.SPAM).values("case__queue").order_by()
    counted = found.annotate(
        asked=Count("pk"), answered=Count("case__survey"), solved=Count("pk", filter=Q(case__survey__solved=True))
    )
    return {
        row["case__queue"]: Answers(row["asked"], row["answered"], share(row["solved"], row["answered"]))
        for row in counted
    }


@dataclass(frozen=True)
class Line:
    """Of one queue, for people: the share that says yes (empty where nobody has answered), and what it is of."""

    queue: Queue
    figure: str
    said: str
    cases: tuple[tuple[str, str], ...] = ()  # how many said what, and the search that finds them


def lines(queues: Collection[Queue], now: datetime) -> list[Line]:
    """Of the last ninety days; the same figures as `measures/surveys/`."""
    found = answers([queue.pk for queue in queues], now - SPAN, now)
    return [_line(queue, found.get(queue.pk, NONE)) for queue in queues]


def _line(queue: Queue, found: Answers) -> Line:
    told = found.solved
    if told.share is None or told.low is None or told.high is None:
        if not found.asked:
            return Line(queue, "", _("Nobody was asked.") if queue.asks_survey else _("This queue does not ask."))
        words = ngettext("%(n)d customer was asked, none answered.", "%(n)d customers were asked, none answered.", found.asked)  # fmt: skip
        return Line(queue, "", words % {"n": found.asked}, _behind(queue, found))
    words = ngettext(
        "say yes, of %(answered)d who answered; %(n)d customer was asked. With 95 %% confidence between %(low)s and %(high)s.",
        "say yes, of %(answered)d who answered; %(n)d customers were asked. With 95 %% confidence between %(low)s and %(high)s.",
        found.asked,
    )
    told_of = {"answered": found.answered, "n": found.asked, "low": percent(told.low), "high": percent(told.high)}
    return Line(queue, percent(told.share), words % told_of, _behind(queue, found))


def _behind(queue: Queue, found: Answers) -> tuple[tuple[str, str], ...]:
    """The cases of each figure (cases.filter_surveys)."""
    yes, no, silent = found.solved.count, found.answered - found.solved.count, found.asked - found.answered
    told = [
        ("yes", yes, _("%(n)d yes")),
        ("no", no, _("%(n)d no")),
        ("silent", silent, ngettext("%(n)d has not answered", "%(n)d have not answered", silent)),
    ]
    return tuple((words % {"n": n}, _url(queue, which)) for which, n, words in told if n)


def _url(queue: Queue, which: str) -> str:
    return f"{reverse('cases:search')}?{urlencode({'q': f'queue:{quoted(queue.name)} survey:{which}'})}"


def percent(value: float) -> str:
    return _("%(number)s %%") % {"number": number_format(round(value * 100))}
