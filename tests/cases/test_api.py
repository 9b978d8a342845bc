"""Cases over HTTP: what is there, who may, and one effect for one command."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from cases.models import Case, Dispatch, Message, Queue
from crm.models import Event, User
from customers.models import ContactPoint, Customer
from tests.api import Caller
from tests.builders import make_case, make_customer, make_message, make_queue, make_user

CASE_FIELDS = {
    "number", "status", "version", "queue", "assignee", "customer", "channel", "waiting_since", "clocks", "promises",
    "need_met", "sentiment",
}  # fmt: skip
CARL = {"name": "Carl Jensen", "contact_points": [{"kind": "email", "value": "Carl@Example.org"}]}


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    return body


def test_a_case_is_opened_for_a_customer_by_contact_points(ana: User, billing: Queue) -> None:
    answer = Caller(ana).post("cases/", {"queue": billing.pk, "subject": "Charged twice", "customer": CARL})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body.keys() >= CASE_FIELDS
    assert answer["ETag"] == f'"{body["version"]}"'
    assert answer["Location"].endswith(f"/api/cases/{body['number']}/")
    assert (body["status"], body["queue"], body["channel"], body["need_met"]) == ("new", billing.pk, "api", False)
    assert body["sentiment"] == {"first": None, "last": None}
    assert ContactPoint.objects.get(value="carl@example.org").customer_id == body["customer"]


def test_a_queue_and_nothing_else_suffice(ana: User, billing: Queue) -> None:
    answer = Caller(ana).post("cases/", {"queue": billing.pk})
    assert answer.status_code == 201
    assert answer.json()["customer"] is None


def test_opening_with_an_external_id_twice_opens_one(ana: User, billing: Queue) -> None:
    call, body = Caller(ana), {"queue": billing.pk, "external_id": "T-1", "source": "shop"}
    first, second = call.post("cases/", body), call.post("cases/", body)
    assert first.json()["number"] == second.json()["number"]
    assert Case.objects.count() == 1


def test_the_list_filters_and_pages(ana: User, billing: Queue, technical: Queue) -> None:
    numbers = [make_case(billing, f"Case {n}").number for n in range(5)]
    make_case(technical, "Not hers")
    Case.objects.filter(number=numbers[0]).update(assignee=ana, status="open")
    call = Caller(ana)
    page = call.get("cases/?limit=2").json()
    assert [c["number"] for c in page["results"]] == numbers[:2:-1]
    rest = call.get(page["next"].split("/api/")[1]).json()
    assert [c["number"] for c in rest["results"]] == numbers[2:0:-1]
    for asked in ("assignee=me", f"assignee={ana.pk}", "status=open", f"status=open&queue={billing.pk}"):
        assert [c["number"] for c in call.get(f"cases/?{asked}").json()["results"]] == numbers[:1], asked
    assert len(call.get("cases/?assignee=none").json()["results"]) == 4
    assert call.get(f"cases/?queue={technical.pk}").json()["results"] == []


def test_only_what_changed_since_is_listed(ana: User, billing: Queue) -> None:
    call = Caller(ana)
    number = call.post("cases/", {"queue": billing.pk}).json()["number"]
    now = timezone.now()
    assert [
        c["number"]
        for c in call.get(f"cases/?updated_since={now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}").json()["results"]
    ] == [number]
    assert call.get(f"cases/?updated_since={now + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}").json()["results"] == []


def test_a_list_asks_as_much_for_fifty_as_for_one(ana: User, billing: Queue, django_assert_max_num_queries) -> None:
    call = Caller(ana)
    for n in range(50):
        make_case(billing, assignee=ana, customer=make_customer(f"Person {n}"))
    call.get("cases/")
    with django_assert_max_num_queries(5):
        assert len(call.get("cases/").json()["results"]) == 50


def test_a_thread_asks_as_much_for_fifty_as_for_one(ana: User, billing: Queue, django_assert_max_num_queries) -> None:
    case, call = make_case(billing), Caller(ana)
    for _n in range(50):
        make_message(case, author=ana, direction="outbound")
    call.get(f"cases/{case.number}/messages/")
    with django_assert_max_num_queries(7):
        assert len(call.get(f"cases/{case.number}/messages/").json()["results"]) == 50


# --- who may


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"priority": "high"}),
        ("GET", "messages/", None),
        ("POST", "messages/", {"direction": "note", "text": "Hello"}),
        ("POST", "messages/", {"direction": "outbound", "text": "Hello"}),
        ("POST", "assignment/", {"claim": True}),
        ("DELETE", "assignment/", None),
        ("POST", "status/", {"status": "resolved"}),
        ("POST", "resolution/", {}),
        ("DELETE", "resolution/", None),
        ("GET", "promises/", None),
        ("POST", "promises/", {"what": "A call", "due_at": "2040-01-01T00:00:00Z"}),
        ("GET", "clocks/", None),
        ("GET", "events/", None),
    ],
)
def test_a_rep_elsewhere_finds_nothing_and_changes_nothing(
    ben: User, technical: Queue, billing: Queue, method: str, path: str, body: Any
) -> None:
    case = make_case(billing, assignee=None)
    before = Case.objects.values().get(pk=case.pk)
    problem(Caller(ben)(method, f"cases/{case.number}/{path}", body), 404)
    assert Case.objects.values().get(pk=case.pk) == before
    assert not Message.objects.exists()
    assert not Event.objects.filter(stream="case").exists()


def test_a_foreign_queue_reads_like_none(ben: User, technical: Queue, billing: Queue) -> None:
    call = Caller(ben)
    foreign = problem(call.post("cases/", {"queue": billing.pk}), 400)
    unknown = problem(call.post("cases/", {"queue": 999999}), 400)
    assert foreign["detail"].replace(str(billing.pk), "X") == unknown["detail"].replace("999999", "X")
    assert not Case.objects.exists()


def test_a_watching_executive_reads_but_does_not_work(eve: User, billing: Queue) -> None:
    case, call = make_case(billing), Caller(eve)
    problem(call.get(f"cases/{case.number}/"), 404)
    billing.join(eve, mode="watch")
    assert call.get(f"cases/{case.number}/").status_code == 200
    problem(call.post(f"cases/{case.number}/assignment/", {"claim": True}), 403)
    problem(call.post(f"cases/{case.number}/messages/", {"direction": "note", "text": "x"}), 403)
    assert Case.objects.get(pk=case.pk).assignee is None
    billing.join(eve, mode="work")
    assert call.post(f"cases/{case.number}/assignment/", {"claim": True}).json()["assignee"] == eve.pk


# --- doings


def test_assigning_claiming_and_releasing(ana: User, lee: User, ben: User, technical: Queue, billing: Queue) -> None:
    case = make_case(billing)
    place, call = f"cases/{case.number}/assignment/", Caller(ana)
    assert call.post(place, {"assignee": "lee"}).json()["assignee"] == lee.pk
    taken = problem(call.post(place, {"claim": True}), 409)
    assert taken["holder"] == lee.pk
    assert "Lee Hart" in taken["detail"]
    problem(call.post(place, {"assignee": ben.pk}), 409)
    problem(call.post(place, {"assignee": "nobody"}), 400)
    problem(call.post(place, {}), 400)
    assert call.delete(place).json()["assignee"] is None
    assert call.post(place, {"claim": True}).json()["assignee"] == ana.pk


def test_statuses_follow_the_table(ana: User, billing: Queue) -> None:
    case, call = make_case(billing), Caller(ana)
    place = f"cases/{case.number}/"
    assert call.post(f"{place}status/", {"status": "waiting_customer"}).json()["status"] == "waiting_customer"
    assert call.post(f"{place}resolution/").json()["status"] == "resolved"
    assert call.post(f"{place}status/", {"status": "closed"}).json()["status"] == "closed"
    assert "closed" in problem(call.delete(f"{place}resolution/"), 409)["detail"]
    problem(call.post(f"{place}status/", {"status": "sleeping"}), 400)


def test_an_answer_is_held_and_a_note_never_leaves(ana: User, billing: Queue, carl: Customer) -> None:
    case, call = make_case(billing, customer=carl), Caller(ana)
    make_message(case, sender=carl.contact_points.get(kind="email"))
    place = f"cases/{case.number}/messages/"
    body = {
        "direction": "outbound", "text": "We refunded it.", "is_answer": True, "next_step": "Money back",
        "by_when": (timezone.now() + timedelta(days=3)).isoformat(), "version": case.version,
    }  # fmt: skip
    reply = call.post(place, body)
    assert reply.status_code == 201, reply.content
    assert reply.json()["state"] == "held"
    assert reply.json()["is_answer"] is True
    assert call.post(place, {"direction": "note", "text": "Told him."}).json()["state"] is None
    assert Dispatch.objects.count() == 1
    assert [m["direction"] for m in call.get(place).json()["results"]] == ["inbound", "outbound", "note"]


def test_a_reply_written_against_something_old_is_refused_and_shows_what_is_new(
    ana: User, lee: User, billing: Queue, carl: Customer
) -> None:
    case = make_case(billing, customer=carl)
    place = f"cases/{case.number}/messages/"
    Caller(lee).post(place, {"direction": "note", "text": "He called."})
    body = {"direction": "outbound", "text": "Hello", "version": 0}
    stale = problem(Caller(ana).post(place, body), 409)
    assert [m["text"] for m in stale["newer"]] == ["He called."]
    assert stale["version"] == Case.objects.get(pk=case.pk).version
    assert not Message.objects.filter(direction="outbound").exists()
    assert Caller(ana).post(place, {**body, "anyway": True}).status_code == 201


def test_a_write_against_an_old_version_is_refused_with_the_current_one(ana: User, billing: Queue) -> None:
    call = Caller(ana)
    opened = call.post("cases/", {"queue": billing.pk})
    place, old = f"cases/{opened.json()['number']}/", opened["ETag"]
    assert call.patch(place, {"priority": "high"}, If_Match=old).status_code == 200
    refused = call.patch(place, {"priority": "low"}, If_Match=old)
    assert problem(refused, 412)["version"] == int(refused["ETag"].strip('"'))
    problem(call.post(f"{place}status/", {"status": "open", "version": 1}), 409)
    assert Case.objects.get().priority == "high"
    assert Case.objects.get().status == "new"


def test_a_promise_is_made(ana: User, billing: Queue) -> None:
    case, call = make_case(billing), Caller(ana)
    due = timezone.now() + timedelta(hours=2)
    made = call.post(f"cases/{case.number}/promises/", {"what": "A call", "due_at": due.isoformat()})
    assert made.status_code == 201, made.content
    assert call.get(f"cases/{case.number}/").json()["promises"][0]["what"] == "A call"
    for odd in ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        problem(call.post(f"cases/{case.number}/promises/", {"what": "x", "due_at": odd}), 400)


# --- the past


def test_the_past_needs_the_import_scope(ana: User, billing: Queue) -> None:
    problem(Caller(ana).post("cases/", {"queue": billing.pk, "opened_at": "2024-01-01T09:00:00Z"}), 403)
    assert not Case.objects.exists()
    call = Caller(ana, "read", "write", "import")
    body = {"queue": billing.pk, "opened_at": "2024-01-01T09:00:00Z", "customer": CARL}
    number = call.post("cases/", body).json()["number"]
    place = f"cases/{number}/"
    assert (
        call.post(f"{place}status/", {"status": "resolved", "at": "2024-01-02T09:00:00Z"}).json()["resolved_at"]
        == "2024-01-02T09:00:00Z"
    )
    problem(call.post(f"{place}status/", {"status": "open", "at": "2024-01-01T10:00:00Z"}), 400)
    problem(call.post(f"{place}status/", {"status": "open", "at": "2999-01-01T10:00:00Z"}), 400)
    problem(Caller(ana).post(f"{place}status/", {"status": "open", "at": "2024-01-03T10:00:00Z"}), 403)
    assert Case.objects.get().status == "resolved"


def test_what_is_dated_in_the_past_sends_nothing(root: User, billing: Queue) -> None:
    call = Caller(root)
    body = {"queue": billing.pk, "opened_at": "2024-01-01T09:00:00Z", "customer": CARL, "text": "Help"}
    place = f"cases/{call.post('cases/', body).json()['number']}/messages/"
    reply = {"direction": "outbound", "text": "Done.", "is_answer": True, "at": "2024-01-01T10:00:00Z"}
    assert call.post(place, reply).json()["released_at"] == "2024-01-01T10:00:00Z"
    assert call.post(place, {"direction": "inbound", "text": "Ta", "at": "2024-01-01T11:00:00Z"}).status_code == 201
    assert not Dispatch.objects.exists()
    assert {e.via for e in Event.objects.filter(stream="case")} == {"import"}


# --- one effect for one key


def test_a_repeated_post_answers_the_same_and_does_it_once(ana: User, billing: Queue) -> None:
    call, body = Caller(ana), {"queue": billing.pk, "subject": "Once"}
    first = call.post("cases/", body, Idempotency_Key="abc")
    second = call.post("cases/", body, Idempotency_Key="abc")
    assert first.status_code == second.status_code == 201
    assert (first.content, first["ETag"], first["Location"]) == (second.content, second["ETag"], second["Location"])
    assert second["Idempotent-Replayed"] == "true"
    problem(call.post("cases/", {**body, "subject": "Twice"}, Idempotency_Key="abc"), 422)
    problem(call.post("cases/", body, Idempotency_Key="x" * 121), 400)
    assert Case.objects.count() == 1


def test_a_refused_post_may_be_corrected_under_its_key(ana: User, billing: Queue) -> None:
    call = Caller(ana)
    problem(call.post("cases/", {"queue": 0}, Idempotency_Key="abc"), 400)
    assert call.post("cases/", {"queue": billing.pk}, Idempotency_Key="abc").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_ten_openings_with_one_external_id_at_once_are_one_case() -> None:
    user = make_user("Ana Lind")
    queue = make_queue("Billing", reps=[user])
    call, answers, start = Caller(user), [], threading.Barrier(10)

    def send() -> None:
        try:
            start.wait()
            answers.append(call.post("cases/", {"queue": queue.pk, "external_id": "T-1", "customer": CARL}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(10)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["number"] for a in answers}) == 1
    assert (Case.objects.count(), Customer.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_twenty_replies_with_one_key_at_once_are_one_message() -> None:
    user = make_user("Ana Lind")
    case = make_case(make_queue("Billing", reps=[user]), customer=make_customer(email="carl@example.org"))
    call, answers, start = Caller(user), [], threading.Barrier(20)
    body = {"direction": "outbound", "text": "We refunded it.", "version": case.version}

    def send() -> None:
        try:
            start.wait()
            answers.append(call.post(f"cases/{case.number}/messages/", body, Idempotency_Key="k"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {a.status_code for a in answers} <= {201, 409}
    told = {a.content for a in answers if a.status_code == 201}
    assert len(told) == 1
    assert {a.json()["type"] for a in answers if a.status_code == 409} <= {"urn:forefront:problem:still_running"}
    assert Message.objects.count() == 1
    assert Dispatch.objects.count() == 1
    assert call.post(f"cases/{case.number}/messages/", body, Idempotency_Key="k").content in told


# --- the log


def number_events() -> None:
    """What the sequencer does in a running house."""
    last = Event.objects.filter(pos__isnull=False).count()
    for n, event in enumerate(Event.objects.filter(pos=None).order_by("id"), last + 1):
        Event.objects.filter(pk=event.pk).update(pos=n)


def test_the_log_is_followed_with_one_cursor_and_shows_only_what_one_may_see(
    ana: User, ben: User, billing: Queue, technical: Queue
) -> None:
    hers, his = Caller(ana), Caller(ben)
    number = hers.post("cases/", {"queue": billing.pk}).json()["number"]
    his.post("cases/", {"queue": technical.pk})
    number_events()
    first = hers.get("events/").json()
    assert [(e["kind"], e["case"]) for e in first["results"]] == [("opened", number)]
    hers.post(f"cases/{number}/assignment/", {"claim": True})
    his.post("cases/", {"queue": technical.pk})
    number_events()
    second = hers.get(f"events/?since={first['cursor']}").json()
    assert [e["kind"] for e in second["results"]] == ["claimed"]
    assert hers.get(f"events/?since={second['cursor']}").json()["results"] == []
    assert hers.get("events/?since=now").json() == {"cursor": second["cursor"], "more": False, "results": []}
    assert len(his.get("events/").json()["results"]) == 2


def test_a_cursor_of_another_life_of_the_database_is_told(ana: User, billing: Queue) -> None:
    call = Caller(ana)
    other = "00000000-0000-0000-0000-000000000000:5"
    assert problem(call.get(f"events/?since={other}"), 410)["type"].endswith("resync")
    for odd in ("x", "5", ":", f"{other}x", "a:1"):
        problem(call.get(f"events/?since={odd}"), 400)


def test_a_cases_events_come_in_order(ana: User, billing: Queue) -> None:
    call = Caller(ana)
    number = call.post("cases/", {"queue": billing.pk}).json()["number"]
    call.post(f"cases/{number}/assignment/", {"claim": True})
    call.post(f"cases/{number}/resolution/")
    told = call.get(f"cases/{number}/events/?limit=2").json()
    assert [(e["version"], e["kind"], e["case"]) for e in told["results"]] == [
        (1, "opened", number),
        (2, "claimed", number),
    ]
    rest = call.get(told["next"].split("/api/")[1]).json()["results"]
    assert [e["kind"] for e in rest] == ["resolved"]
    assert {e["actor"] for e in rest} == {ana.pk}


def test_search_finds_what_one_may_see(ana: User, ben: User, technical: Queue, billing: Queue) -> None:
    number = (
        Caller(ana).post("cases/", {"queue": billing.pk, "subject": "Router blinks", "customer": CARL}).json()["number"]
    )
    found = (
        Caller(ana).get("search/?q=rout blinks").json()["results"]
        or Caller(ana).get("search/?q=blinks").json()["results"]
    )
    assert [r["case"]["number"] for r in found if r["kind"] == "case"] == [number]
    assert Caller(ben).get("search/?q=blinks").json()["results"] == []
    problem(Caller(ana).get("search/?q="), 400)
