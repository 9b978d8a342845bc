"""Need met by silence: our answer was the last word, it arrived, and nothing came back for as long as the queue says.

`Case.silent_since` and the columns beside it in its index (cases.models.need) only say where to look. What was said, sent,
promised and taken back is asked under the case's lock, so that a word of the customer's is either seen or comes after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, OuterRef, Q, Subquery

from cases.models import Case, CaseLink, Dispatch, Message, Promise, Queue
from cases.models.case import CaseQuerySet
from cases.models.need import SILENT
from crm.models import Event

BATCH = 100
_LATER_CASES = ("follows", "possible_follow_up")  # kinds of CaseLink by which a customer goes on elsewhere


def sweep(now: datetime) -> int:
    """Look at up to BATCH cases whose silence has lasted as long as their queue says; returns how many were looked at.
    Each is met then, or waits for more silence, or leaves the line until our next answer: none is looked at for ever."""
    looked = 0
    for queue in Queue.objects.filter(silence_days__isnull=False).order_by("pk"):
        looked += _look(queue, now, BATCH - looked)
        if looked >= BATCH:
            break
    return looked


@transaction.atomic
def _look(queue: Queue, now: datetime, most: int) -> int:
    """A case somebody works on right now is left to the next turn."""
    days = queue.silence_days or 0
    ripe = due(queue, now - timedelta(days=days)).select_for_update(of=("self",), skip_locked=True, no_key=True)
    cases = list(ripe[:most])
    known = _silences(cases)
    for case in cases:
        silence = known.get(case.pk)
        if silence and silence.since <= now - timedelta(days=days):
            case.mark_need_met(by=None, how="silence", at=now, via="clock", days=days, answer=silence.answer)
            continue
        case.silent_since = silence.since if silence else None
        case.save(update_fields=["silent_since"])
    return len(cases)


def due(queue: Queue, until: datetime) -> CaseQuerySet:
    """Cases of a queue to look at, the longest silence first. What can end by itself keeps a case out: an open promise,
    a reply on its way, a status in which the next word is ours."""
    waiting = Case.objects.filter(SILENT.condition, queue=queue, silent_since__lte=until)
    return waiting.exclude(send_state="sending").order_by("silent_since", "pk")


# --- what a silence is worth


@dataclass(frozen=True)
class _Silence:
    """Since when, and to which answer."""

    since: datetime
    answer: int


def _silences(cases: Sequence[Case]) -> dict[int, _Silence]:
    """Of those of these locked cases in which it says anything: the last word is an answer that arrived, and nothing has
    shown since that it did not help."""
    answers = {message.case_id: message for message in _last_words(cases) if _is_heard(message)}
    refuted, kept = _refuted(answers), _kept(answers)
    return {
        case: _Silence(max(filter(None, (message.dispatch.sent_at, kept.get(case)))), message.pk)  # type: ignore[union-attr]
        for case, message in answers.items()
        if case not in refuted
    }


def _last_words(cases: Sequence[Case]) -> list[Message]:
    """The last word of each, as the case's log counts them: clocks of others are not compared with ours. Notes and
    automatic mail are no words."""
    said = Message.objects.filter(case=OuterRef("pk"), is_auto=False, taken_back_at=None).exclude(direction="note")
    last = Case.objects.filter(pk__in=[case.pk for case in cases]).values_list(
        Subquery(said.order_by("-case_version", "-at", "-pk").values("pk")[:1])
    )
    return list(Message.objects.filter(pk__in=last).select_related("dispatch").defer("text", "html"))


def _is_heard(message: Message) -> bool:
    """An answer of ours that arrived as far as anybody knows. What came in with a history left by another's door."""
    return message.is_answer and message.dispatch is not None and message.dispatch.state == Dispatch.State.SENT


def _refuted(answers: dict[int, Message]) -> set[int]:
    """Since the answer somebody said that the need is not met, or opened the case again, or a promise was broken, or the
    customer went on in another case. That the answer itself had failed at first says nothing."""
    refuting = Q(kind__in=["need_unmet", "reopened"]) | Q(kind="survey_answered", reason="not_solved")
    back = Event.objects.filter(refuting, stream="case", stream_id__in=answers)
    versions = back.exclude(reason="send_failed").values_list("stream_id").annotate(Max("version")).order_by()
    found = {case for case, version in versions if version > answers[case].case_version}
    broken = Promise.objects.filter(case__in=answers, state=Promise.State.BROKEN).values_list("case", "due_at")
    on = CaseLink.objects.filter(other__in=answers, kind__in=_LATER_CASES).values_list("other", "case__opened_at")
    return found | {case for case, at in [*broken, *on] if at >= (answers[case].released_at or answers[case].at)}


def _kept(answers: dict[int, Message]) -> dict[int, datetime]:
    """When what was promised was last done: until then the customer had a reason to be silent."""
    settled = Promise.objects.filter(case__in=answers, settled_at__isnull=False)
    return dict(settled.values_list("case").annotate(Max("settled_at")).order_by())
