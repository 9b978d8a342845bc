"""Promises: made, kept, moved with notice, broken; each settled once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connections
from django.utils import timezone

from cases import conversation, live, outward, promises
from cases.models import Case, Message, Promise, Queue
from cases.models.case import Refusal
from crm.live.streams import Happening
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_message
from tests.cases.clockwork import at, kinds, make_policy, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


def promised(case: Case, due: str = "12:00", *, when: str = "09:00", **fields: Any) -> Promise:
    fields.setdefault("owner", None)
    fields.setdefault("made_by", None)
    return promises.make(case, what="Call back about the router", due_at=at(due), at=at(when), **fields)


def said(case: Case, text: str = "We need until Friday.", **fields: Any) -> Message:
    return make_message(case, text, direction="outbound", **fields)


def test_a_promise_is_in_the_case_and_in_the_log_with_ids_only(case: Case, ana: User) -> None:
    message = said(case, author=ana)
    promise = promised(case, owner=ana, made_by=message)
    case.refresh_from_db()
    assert (promise.state, case.promise_due_at, case.attention_at) == ("open", at("12:00"), at("12:00"))
    event = Event.objects.get(kind="promise_made")
    assert (event.actor, event.at) == (ana, at("09:00"))
    assert event.data == {"promise": promise.pk, "owner": ana.pk, "due": "2035-03-05T12:00:00+00:00"}


def test_one_message_promises_once(case: Case) -> None:
    message = said(case)
    assert promised(case, made_by=message) == promised(case, "15:00", made_by=message)
    assert kinds(case) == ["promise_made"]


@pytest.mark.parametrize(("what", "due"), [("  ", "12:00"), ("\x00", "12:00"), ("Call", "09:00"), ("Call", "08:00")])
def test_a_promise_of_nothing_or_of_the_past_is_refused(case: Case, what: str, due: str) -> None:
    with pytest.raises(Refusal):
        promises.make(case, what=what, due_at=at(due), owner=None, made_by=None, at=at("09:00"))
    assert not Promise.objects.exists()
    assert kinds(case) == []


def test_an_answer_before_its_time_keeps_it(case: Case, ana: User) -> None:
    promise, message = promised(case), said(case)
    assert promises.keep(promise, message=message, by=ana, at=at("12:00"))
    assert promises.keep(promise, message=message, by=ana, at=at("12:00"))
    promise.refresh_from_db()
    case.refresh_from_db()
    assert (promise.state, promise.kept_by, promise.settled_at) == ("kept", message, at("12:00"))
    assert (case.promise_due_at, case.attention_at) == (None, None)
    assert kinds(case) == ["promise_made", "promise_kept"]


def test_an_answer_after_its_time_finds_it_broken(case: Case, ana: User) -> None:
    promise = promised(case)
    assert not promises.keep(promise, message=said(case), by=ana, at=at("12:00:01"))
    promise.refresh_from_db()
    assert (promise.state, promise.settled_at, promise.kept_by) == ("broken", at("12:00"), None)
    assert promises.sweep(at("13:00")) == 0
    assert kinds(case) == ["promise_made", "promise_broken"]


def test_moving_it_takes_a_message_to_the_customer(case: Case, ana: User, billing: Queue) -> None:
    promise = promised(case, owner=ana)
    note = make_message(case, "Tomorrow then", direction="note")
    wrong = [
        note,
        make_message(case, "When?", direction="inbound"),
        said(make_case(billing)),
        said(case, taken_back_at=at("10:00")),
        None,
    ]
    for message in wrong:
        with pytest.raises(Refusal, match="Tell the customer first"):
            promises.move(promise, due_at=at("15:00"), message=message, by=ana, at=at("11:00"))  # type: ignore[arg-type]
    promise.refresh_from_db()
    assert promise.state == "open"
    assert kinds(case) == ["promise_made"]


def test_a_moved_promise_gives_way_to_the_next(case: Case, ana: User) -> None:
    promise, message = promised(case, owner=ana), said(case)
    later = promises.move(promise, due_at=at("15:00"), message=message, by=ana, at=at("11:00"))
    promise.refresh_from_db()
    case.refresh_from_db()
    assert (promise.state, promise.moved_to, later.state, later.owner) == ("moved", later, "open", ana)
    assert (later.what, later.made_by, case.promise_due_at) == (promise.what, message, at("15:00"))
    assert promises.move(promise, due_at=at("15:00"), message=message, by=ana, at=at("11:00")) == later
    with pytest.raises(Refusal, match="already moved"):
        promises.move(promise, due_at=at("16:00"), message=said(case), by=ana, at=at("11:30"))
    assert kinds(case) == ["promise_made", "promise_moved"]


def test_a_promise_whose_time_has_passed_can_no_longer_be_moved(case: Case, ana: User) -> None:
    promise = promised(case)
    with pytest.raises(Refusal, match="time has passed"):
        promises.move(promise, due_at=at("15:00"), message=said(case), by=ana, at=at("12:30"))
    with pytest.raises(Refusal, match="still to come"):
        promises.move(promise, due_at=at("10:00"), message=said(case), by=ana, at=at("11:00"))
    assert kinds(case) == ["promise_made"]


def test_the_alarm_comes_once_before_the_promise_breaks_once(case: Case) -> None:
    promise = promised(case)
    assert promises.sweep(at("11:44")) == 0
    assert promises.sweep(at("11:45")) == 1
    assert promises.sweep(at("12:00")) == 0
    assert promises.sweep(at("12:00:01")) == 1
    assert promises.sweep(at("13:00")) == 0
    promise.refresh_from_db()
    case.refresh_from_db()
    assert (promise.state, promise.settled_at, case.promise_due_at) == ("broken", at("12:00"), None)
    assert kinds(case) == ["promise_made", "promise_due_soon", "promise_broken"]


def test_after_an_outage_it_is_broken_without_a_late_alarm(case: Case) -> None:
    promised(case)
    assert promises.sweep(at("14:00")) == 1
    assert kinds(case) == ["promise_made", "promise_broken"]
    assert Event.objects.get(kind="promise_broken").at == at("12:00")


def test_a_promise_given_to_nobody_is_whose_case_it_is(case: Case, ana: User, lee: User) -> None:
    theirs, follows = promised(case, owner=lee), promised(case, "13:00")
    case.assignee = ana
    case.save()
    assert list(Promise.objects.filter(promises.owned_by(ana))) == [follows]
    assert list(Promise.objects.filter(promises.owned_by(lee))) == [theirs]


def test_open_promises_come_first_by_when(case: Case, ana: User) -> None:
    kept, later, sooner = promised(case, "10:00"), promised(case, "13:00"), promised(case, "12:00")
    promises.keep(kept, message=None, by=ana, at=at("09:30"))
    assert list(promises.in_order(case.promises.all())) == [sooner, later, kept]


def test_attention_is_the_earliest_promise_or_running_clock(billing: Queue, ana: User) -> None:
    make_policy(first_response=120)
    case = opened(billing)
    assert case.attention_at == at("11:00")
    promise = promised(case, "10:00")
    assert case.attention_at == at("10:00")
    promises.keep(promise, message=None, by=ana, at=at("09:30"))
    case.refresh_from_db()
    assert (case.attention_at, case.promise_due_at, case.next_due_at) == (at("11:00"), None, at("11:00"))


def test_an_answer_with_by_when_keeps_the_old_promise_and_makes_the_next(
    billing: Queue, ana: User, carl: Customer
) -> None:
    case = make_case(billing, customer=carl)
    now = timezone.now()
    old = promises.make(case, what="Look into it", due_at=now + timedelta(hours=1), owner=ana, made_by=None, at=now)
    message = conversation.reply(
        case,
        by=ana,
        text="A new router is on its way.",
        written_against=case.version,
        is_answer=True,
        next_step="The router arrives",
        by_when=now + timedelta(days=2),
    )
    assert Promise.objects.get().state == "open"  # written, not yet said
    outward.release_due(timezone.now() + timedelta(minutes=1))
    old.refresh_from_db()
    assert (old.state, old.kept_by) == ("kept", message)
    fresh = Promise.objects.exclude(pk=old.pk).get()
    assert (fresh.what, fresh.state, fresh.made_by, fresh.due_at) == (
        "The router arrives",
        "open",
        message,
        now + timedelta(days=2),
    )


def test_what_is_taken_back_promises_nothing(billing: Queue, ana: User, carl: Customer) -> None:
    case = make_case(billing, customer=carl)
    soon = timezone.now() + timedelta(hours=1)
    message = conversation.reply(case, by=ana, text="By five.", written_against=case.version, by_when=soon)
    conversation.take_back(message, by=ana)
    outward.release_due(timezone.now() + timedelta(minutes=1))
    assert not Promise.objects.exists()


def test_history_that_kept_it_in_time_counts_even_if_the_sweep_was_quicker(case: Case, ana: User) -> None:
    made, due = timezone.now() - timedelta(days=30), timezone.now() - timedelta(days=29)
    promise = promises.make(case, what="Call", due_at=due, owner=None, made_by=None, at=made, via="import")
    assert promises.sweep(timezone.now()) == 1
    answer = said(case)
    assert promises.answered(case, message=answer, by=ana, at=due - timedelta(hours=1), via="import") == 1
    promise.refresh_from_db()
    assert (promise.state, promise.kept_by) == ("kept", answer)


def test_overdue_is_known_before_any_sweep(case: Case) -> None:
    promise = promised(case)
    assert not promises.is_overdue(promise, at("12:00"))
    assert promises.is_overdue(promise, at("12:01"))


@pytest.mark.django_db(transaction=True)
def test_many_sweeps_answers_and_moves_at_once_settle_each_promise_once(billing: Queue, ana: User) -> None:
    cases = [make_case(billing) for _n in range(8)]
    made = [promised(case) for case in cases]

    def sweep(_n: int) -> int:
        return int(_apart(lambda: sum(promises.sweep(at("12:30")) for _round in range(3))))

    def keep(promise: Promise) -> int:
        fresh = Promise.objects.get(pk=promise.pk)
        return int(_apart(lambda: promises.keep(fresh, message=None, by=ana, at=at("11:00"))))

    with ThreadPoolExecutor(6) as pool:
        sweeps = [pool.submit(sweep, n) for n in range(4)]
        keeps = [pool.submit(_apart, keep, promise) for promise in made[:4]]
        for future in [*sweeps, *keeps]:
            future.result(timeout=20)
    promises.sweep(at("12:30"))
    for case in cases[4:]:
        assert kinds(case) == ["promise_made", "promise_broken"]
    for case in cases[:4]:
        assert kinds(case)[-1] == "promise_kept"
        assert len(kinds(case)) == len(set(kinds(case)))


def test_one_message_gives_one_promise_its_time(case: Case, ana: User) -> None:
    first, second, told = promised(case), promised(case, "13:00"), said(case)
    promises.move(first, due_at=at("15:00"), message=told, by=ana, at=at("11:00"))
    with pytest.raises(Refusal):
        promises.move(second, due_at=at("16:00"), message=told, by=ana, at=at("11:00"))
    second.refresh_from_db()
    assert (second.state, kinds(case)) == ("open", ["promise_made", "promise_made", "promise_moved"])


def test_who_promises_by_the_api_is_who_did_it_whoevers_promise_it_is(billing: Queue, ana: User, lee: User) -> None:
    case = make_case(billing)
    body = {"what": "A call", "due_at": (timezone.now() + timedelta(hours=1)).isoformat(), "owner": lee.pk}
    assert Caller(ana).post(f"cases/{case.number}/promises/", body).status_code == 201
    event = Event.objects.get(kind="promise_made")
    assert (event.actor, event.via, event.data["owner"]) == (ana, "api", lee.pk)


@pytest.mark.django_db(transaction=True)
def test_two_who_move_one_promise_at_once_move_it_once(billing: Queue, ana: User) -> None:
    case = make_case(billing)
    promise, told = promised(case), [said(case), said(case)]

    def move(message: Message) -> str:
        fresh = Promise.objects.get(pk=promise.pk)
        try:
            promises.move(fresh, due_at=at("15:00"), message=message, by=ana, at=at("11:00"))
        except Refusal:
            return "refused"
        return "moved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda m: _apart(move, m), told)) == ["moved", "refused"]
    assert kinds(case) == ["promise_made", "promise_moved"]
    assert Promise.objects.filter(state="open").count() == 1


def _apart(act: Any, *args: Any) -> Any:
    close_old_connections()
    try:
        return act(*args)
    finally:
        connections.close_all()


# --- who hears that it is nearly due


def alarms(case: Case) -> list[tuple[str, Any]]:
    events = Event.objects.filter(stream_id=case.pk, kind__in=["promise_due_soon", "promise_raised"]).order_by(
        "version"
    )
    return [(event.kind, event.data.get("leads")) for event in events]


def test_a_short_promise_alarms_in_its_last_quarter(case: Case, ana: User) -> None:
    promised(case, "09:20", owner=ana)
    assert promises.warn_due(at("09:14:59")) == 0
    assert promises.warn_due(at("09:15")) == 1


def test_whose_it_is_hears_first_and_the_leads_when_half_of_that_has_passed(
    case: Case, billing: Queue, ana: User, lee: User, sue: User
) -> None:
    promised(case, owner=ana)
    assert promises.sweep(at("11:45")) == 1
    assert promises.sweep(at("11:52")) == 0
    billing.admit(lee, "lead", by=None)
    assert promises.sweep(at("11:52:30")) == 1
    assert promises.sweep(at("11:59")) == 0
    assert alarms(case) == [("promise_due_soon", None), ("promise_raised", [lee.pk])]


def test_what_is_nobodys_is_told_to_the_leads_at_once_and_only_once(case: Case, billing: Queue, sue: User) -> None:
    promised(case)
    promises.sweep(at("11:45"))
    promises.sweep(at("11:59"))
    assert alarms(case) == [("promise_due_soon", [sue.pk])]  # there is no lead: the supervisor


def test_the_alarm_reaches_the_screens_of_those_it_names(case: Case, billing: Queue, ana: User, sue: User) -> None:
    promised(case, owner=ana)
    promises.sweep(at("11:45"))
    promises.sweep(at("11:55"))
    told = Event.objects.filter(kind__in=["promise_due_soon", "promise_raised"]).order_by("version")
    names = [name for name in Happening.__dataclass_fields__ if name != "pos"]
    events = [Happening(pos=event.version, **{name: getattr(event, name) for name in names}) for event in told]
    mine = [(f.topic, f.kind) for f in live.case_fragments(events, None) if f.part == "note"]
    assert mine == [(f"user.{ana.pk}", "promise_due_soon"), (f"user.{sue.pk}", "promise_raised")]
