"""A dry run says what a rule would have done: just what it does when it is on, over random days."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from cases import conversation
from cases.models import Case, Macro, Queue, Rule, RuleRun, RuleTrial
from cases.models.refusals import Refusal
from cases.rules import trying
from cases.rules.looking import trial_told
from crm.models import Event, User
from tests.builders import make_case, make_macro
from tests.cases.ruled import fact, keep, make_rule, numbered

pytestmark = pytest.mark.django_db
Step = tuple[str, Any]
STEP = timedelta(minutes=30)
STATUSES = ["open", "waiting_customer", "waiting_internal", "resolved"]


def do(case: Case, step: Step, at: datetime, people: list[User], queues: list[Queue]) -> None:
    """One thing people or the customer do; what is refused does not happen."""
    what, value = step
    case.refresh_from_db()
    verbs: dict[str, Callable[[], Any]] = {
        "priority": lambda: case.set_priority(value, by=people[0], at=at),
        "status": lambda: case.change_status(value, by=people[0], at=at),
        "assign": lambda: case.assign(people[value], by=people[0], at=at),
        "claim": lambda: case.claim(by=people[value], at=at),
        "release": lambda: case.release(by=people[0], at=at),
        "transfer": lambda: case.transfer(queues[value], by=people[0], at=at),
        "snooze": lambda: case.snooze(at + timedelta(hours=value), by=people[0], at=at),
        "wake": lambda: case.wake(by=None, at=at),
        "hear": lambda: conversation.add_inbound(case, text=value, sender=None, channel="web", at=at),
        "note": lambda: conversation.add_note(case, by=people[0], text="Hm.", at=at),
    }
    try:
        verbs[what]()
    except Refusal:
        return


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("priority"), st.sampled_from(["low", "normal", "high", "urgent"])),
    st.tuples(st.just("status"), st.sampled_from(STATUSES)),
    st.tuples(st.sampled_from(["assign", "claim"]), st.integers(0, 1)),
    st.tuples(st.just("transfer"), st.integers(0, 1)),
    st.tuples(st.just("snooze"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["release", "wake", "note"]), st.none()),
    st.tuples(st.just("hear"), st.sampled_from(["Refund me", "Thanks", "Where is it?"])),
)
EVENTS = ["message_received", "priority_changed", "status_changed", "resolved", "reopened", "assigned", "claimed", "released",
          "transferred", "snoozed", "woken", "note_added", "tagged"]  # fmt: skip
CONDITIONS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [
            fact("priority", "in", ["normal", "high"]),
            fact("status", "is", "open"),
            fact("status", "in", ["new", "waiting_customer"]),
            fact("assigned", "is", False),
            fact("assignee", "is", "ana"),
            fact("queue", "is", "Billing"),
            fact("message", "contains", "refund"),
            fact("event.via", "is", "person"),
            fact("event.was", "in", ["normal", "open"]),
            fact("snoozed", "is", True),
            fact("waiting_since", "before", {"hours_ago": 1}),
            fact("customer.tier", "is", "gold"),
        ]
    ),
    lambda parts: st.one_of(
        st.lists(parts, max_size=2).map(lambda some: {"all": some}),
        st.lists(parts, min_size=1, max_size=2).map(lambda some: {"any": some}),
        parts.map(lambda one: {"not": one}),
    ),
    max_leaves=3,
)
ACTIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(["low", "high", "higher"]).map(lambda to: {"do": "priority", "to": to}),
    st.sampled_from(STATUSES).map(lambda to: {"do": "status", "to": to}),
    st.sampled_from([{"do": "release"}, {"do": "note", "text": "By rule."}, {"do": "snooze", "hours": 1}]),
    st.sampled_from(["a", "b"]).map(lambda tag: {"do": "tag", "add": [tag]}),
    st.integers(0, 1).map(lambda n: {"do": "transfer", "queue": n}),
    st.integers(0, 1).map(lambda n: {"do": "assign", "person": n}),
    st.integers(0, 3).map(lambda n: {"do": "macro", "macro": n}),
)


def macros_of(people: list[User], queues: list[Queue]) -> list[Macro]:
    """One that always can be, some whose last action now and then cannot, so that nothing is done, and one of a queue."""
    high, tag = {"do": "priority", "priority": "high"}, {"do": "add_tags", "tags": ["c"]}
    return [
        make_macro("Plain", [high, {"do": "note", "text": "Look"}, {"do": "snooze", "until": "in 2 h"}]),
        make_macro("Ends", [high, {"do": "status", "status": "waiting_internal"}]),
        make_macro("Given", [{"do": "status", "status": "resolved"}, {"do": "assign", "to": people[1].pk}]),
        make_macro("Theirs", [tag, {"do": "transfer", "queue": queues[0].pk}], queues=[queues[1]]),
    ]


def placed(action: dict[str, Any], people: list[User], queues: list[Queue], macros: list[Macro]) -> dict[str, Any]:
    named = {"transfer": ("queue", queues), "assign": ("person", people), "macro": ("macro", macros)}
    if action["do"] not in named:
        return action
    key, rows = named[action["do"]]
    return action | {key: rows[action[key]].pk}


def predicted(rule: Rule, case: Case, since: datetime, until: datetime) -> list[tuple[str, list[str]]]:
    house, log = trying.House.open(), trying._log([case], rule.current)  # type: ignore[arg-type]
    found = trying.replay(rule.current, case, log[case.pk], since, until, house)  # type: ignore[arg-type]
    return [(fired.kind, [told.kind for told in fired.caused]) for fired in found.fired]


def really(rule: Rule, case: Case) -> list[tuple[str, list[str]]]:
    kinds = dict(Event.objects.filter(stream="case", stream_id=case.pk).values_list("version", "kind"))
    runs = RuleRun.objects.filter(rule=rule, case=case).exclude(state__in=["unfit", "moot", "stopped"]).order_by("pk")
    told = runs.select_related("event")
    return [(run.event.kind if run.event else "waited", [kinds[v] for v in run.caused]) for run in told]


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to make a life smaller takes many minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=7),
    on=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3, unique=True),
    condition=CONDITIONS,
    then=st.lists(ACTIONS, min_size=1, max_size=2),
    unanswered=st.sampled_from([0, 1]),
    for_billing=st.booleans(),
)
@example(  # what is waited for ends in the very moment of the last step
    steps=[("hear", "Refund me"), ("priority", "low"), ("priority", "urgent")],
    on=["message_received"],
    condition={"not": fact("priority", "in", ["normal", "high"])},
    then=[{"do": "priority", "to": "low"}],
    unanswered=1,
    for_billing=False,
)
@example(  # it can be done in part, and takes the case where the rest is asked no longer
    steps=[("hear", "Thanks"), ("priority", "low"), ("hear", "Where is it?")],
    on=["tagged"],
    condition={"not": fact("priority", "in", ["normal", "high"])},
    then=[{"do": "assign", "person": 1}, {"do": "transfer", "queue": 1}],
    unanswered=1,
    for_billing=True,
)
def test_a_dry_run_says_just_what_the_rule_does(
    billing: Queue, technical: Queue, ana: User, ben: User, steps: list[Step], on: list[str], condition: Any,
    then: list[dict[str, Any]], unanswered: int, for_billing: bool,
) -> None:  # fmt: skip
    """The same days are lived twice: without the rule, then tried; and with it."""
    people, queues = [ana, ben], [billing, technical]
    macros = macros_of(people, queues)
    begin = timezone.now().replace(microsecond=0) - timedelta(days=2)
    told = {"on": on, "condition": condition, "then": [placed(a, people, queues, macros) for a in then]}
    waits = {"unanswered": unanswered} if unanswered else {}
    lives = []
    for live in (False, True):
        with transaction.atomic():
            rule = make_rule(**told, **waits, queues=[billing] if for_billing else [], switched=live, at=begin)
            case = make_case(billing, status="open", opened_at=begin)
            for number, step in enumerate(steps, start=1):
                now = begin + number * STEP
                do(case, step, now, people, queues)
                if live:
                    keep(now, rounds=60)
            until = begin + (len(steps) + 1) * STEP
            if live:
                keep(until, rounds=60)
            case.refresh_from_db()
            rule.refresh_from_db()
            lives.append(really(rule, case) if live else predicted(rule, case, begin, until + timedelta(seconds=1)))
            looped = rule.paused_at is not None
            transaction.set_rollback(True)
    would, did = lives
    assert (would[: len(did)] if looped else would) == did


# --- as somebody asks for it


def week(billing: Queue, ana: User) -> list[Case]:
    cases = [make_case(billing, f"Case {n}", status="open") for n in range(3)]
    for case in cases:
        conversation.add_inbound(case, text="Refund me", sender=None, channel="web", at=timezone.now())
    cases[0].set_priority("high", by=ana)
    numbered()
    return cases


def test_it_counts_and_shows_examples_in_pieces_and_changes_nothing(
    billing: Queue, ana: User, sue: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "BATCH", 2)
    cases = week(billing, ana)
    rule = make_rule(switched=False, then=[{"do": "priority", "to": "urgent"}, {"do": "tag", "add": ["refund"]}])
    before = Event.objects.count()
    now = timezone.now() + timedelta(seconds=1)
    trial = trying.begin(rule.current, by=sue, now=now)  # type: ignore[arg-type]
    assert (trial.total, [trying.try_due(now) for _n in range(4)]) == (3, [2, 1, 0, 0])
    trial.refresh_from_db()
    assert (trial.state, trial.looked, trial.asked, trial.fired, trial.cases) == ("done", 3, 3, 3, 3)
    assert trial.counts == {"priority_changed": 3, "tagged": 3}
    told = trial_told(trial, sue)
    assert [row["number"] for row in told["rows"]] == [case.number for case in cases]
    assert told["rows"][0]["caused"] == ["priority: normal → urgent", "tags set"]
    assert trial_told(trial, ben)["rows"] == []
    assert Event.objects.count() == before
    assert not RuleRun.objects.exists()
    assert {c.priority for c in Case.objects.filter(pk__in=[c.pk for c in cases])} == {"high", "normal"}


def test_one_that_goes_in_circles_says_so(billing: Queue, ana: User) -> None:
    week(billing, ana)
    flip = {"all": [fact("event.was", "known", True)]}
    rule = make_rule(on=["priority_changed"], condition=flip, switched=False,
                     then=[{"do": "priority", "to": "low"}, {"do": "priority", "to": "high"}])  # fmt: skip
    now = timezone.now() + timedelta(seconds=1)
    trial = trying.glance(rule.current, now=now, most=10)  # type: ignore[arg-type]
    assert trial.loops == 1


def test_it_may_be_stopped(billing: Queue, ana: User) -> None:
    week(billing, ana)
    rule = make_rule(switched=False)
    trial = trying.begin(rule.current, by=None, now=timezone.now())  # type: ignore[arg-type]
    assert trying.stop(trial)
    assert trying.try_due(timezone.now()) == 0
    assert RuleTrial.objects.get().state == "stopped"
