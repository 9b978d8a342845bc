"""What a person is shown of rules: for which cases a condition holds now, what a dry run found, and what rules did to a
case, or why they did nothing."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case, Queue, RuleRun, RuleTrial
from cases.models.rule_shape import KINDS
from cases.rules import knowledge, words
from crm.models import Event, User
from customers import resting
from customers.conditions import BadCondition

MOST_NAMED = 5
MOST_RUNS = 30
_HAPPENED = ("event", "message")


def holds_now(condition: Any, user: User, now: datetime) -> dict[str, Any]:
    """The condition in words and the open cases it holds for, of queues this person steers."""
    try:
        checked = knowledge.checked(condition, now, saving=True)
    except BadCondition as bad:
        return {"ok": False, "words": str(bad)}
    sentence = words.condition(condition) or _("It always holds.")
    sentence = " ".join(filter(None, [sentence, resting.words(checked.resting)]))
    if any(name.split(".")[0] in _HAPPENED for name in checked.names):
        told = _("It asks what happens: the dry run says how often that was so.")
        return {"ok": True, "words": f"{sentence} — {told}"}
    return {"ok": True, "words": f"{sentence} — {_counted(checked.q, user)}"}


def _counted(holds: Any, user: User) -> str:
    mine = Case.objects.active().filter(queue__in=Queue.objects.steered_by(user))
    found = mine.filter(holds)
    count = found.count()
    of = {"count": count, "all": mine.count()}
    told = ngettext("%(count)d of %(all)d open cases now", "%(count)d of %(all)d open cases now", count) % of
    numbers = ", ".join(f"#{n}" for n in found.order_by("-pk").values_list("number", flat=True)[:MOST_NAMED])
    return f"{told}: {numbers}{', …' if count > MOST_NAMED else ''}" if numbers else told


# --- a dry run


def trial_told(trial: RuleTrial, user: User) -> dict[str, Any]:
    """What it found so far, in words; of the examples those of cases this person may see."""
    keys = {row["case"] for row in trial.sample}
    cases = Case.objects.visible_to(user).in_bulk(keys)
    rows = [_row(row, cases[row["case"]]) for row in trial.sample if row["case"] in cases]
    counts = sorted(trial.counts.items(), key=lambda pair: -pair[1])
    return {
        "trial": trial,
        "is_whole": trial.looked >= trial.total,
        "percent": 100 if not trial.total else min(100, trial.looked * 100 // trial.total),
        "counts": [(count, words.caused({"kind": kind})) for kind, count in counts],
        "rows": rows,
    }


def _row(row: dict[str, Any], case: Case) -> dict[str, Any]:
    return {
        "number": case.number,
        "subject": case.subject,
        "at": parse_datetime(row["at"]),
        "kind": str(KINDS.get(row["kind"], _("nothing happened for so long"))),
        "caused": [words.caused(one) for one in row["caused"]],
    }


# --- beside a case


def runs_of(case: Case) -> list[dict[str, Any]]:
    """The newest times rules were asked in this case: what each did, or which part of its condition did not hold."""
    rows: QuerySet[RuleRun] = RuleRun.objects.filter(case=case).select_related("rule", "version", "event")
    runs = list(rows.order_by("-pk")[:MOST_RUNS])
    wanted = {version for run in runs for version in run.caused}
    events = {e.version: e for e in Event.objects.filter(stream="case", stream_id=case.pk, version__in=wanted)}
    return [_run(run, events) for run in runs]


def _run(run: RuleRun, events: dict[int, Event]) -> dict[str, Any]:
    caused = [events[version] for version in run.caused if version in events]
    asked = (
        KINDS.get(run.event.kind, "") if run.event else words.when({run.waited: run.version.when.get(run.waited, 0)})
    )
    return {
        "run": run,
        "asked": str(asked),
        "caused": [words.caused({"kind": event.kind, **event.data}) for event in caused],
        "missed": words.parts(run.version.condition, run.missed),
        "because": words.condition(run.version.condition),
    }
