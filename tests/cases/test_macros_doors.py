"""Macros through their doors: the console, the admin, the API."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases import conversation
from cases.models import Case, Macro, Message, Queue, QueueMembership
from crm import tokens
from crm.models import User
from tests.builders import make_macro, make_queue
from tests.cases.test_macros import DRAFT, NOTE, REPLY, TAG, URGENT, case, events, everything

__all__ = ["case"]  # its fixture

pytestmark = pytest.mark.django_db


# --- in the console


@pytest.fixture
def desk(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


HTMX = {"HX-Request": "true"}


def test_the_picker_lists_those_of_the_queue(desk: Client, case: Case, billing: Queue, technical: Queue) -> None:
    make_macro("Ours", [NOTE, TAG], queues=[billing])
    make_macro("Theirs", [NOTE], queues=[technical])
    page = desk.get(reverse("cases:macros", args=[case.number])).content.decode()
    assert "Ours" in page
    assert "write a note, add tags" in page
    assert "Theirs" not in page
    Macro.objects.update(is_active=False)
    assert (
        "There is no macro for cases of this queue yet"
        in desk.get(reverse("cases:macros", args=[case.number])).content.decode()
    )


def test_the_preview_shows_each_fate_in_words(desk: Client, case: Case) -> None:
    macro = make_macro("Hi", [REPLY, {"do": "add_tags", "tags": ["old"]}, URGENT], opens_next="next")
    page = desk.get(reverse("cases:macro", args=[case.number, macro.pk])).content.decode()
    assert "Send to Carl Jensen, by mail" in page
    assert "Hi Carl." in page
    assert "already so" in page
    assert "After it: the next in the list." in page
    assert 'name="version" value="1"' in page


def test_the_answer_places_fragments_and_says_what_opens_next(desk: Client, case: Case, technical: Queue) -> None:
    macro = make_macro("Hi", [DRAFT, NOTE], opens_next="next")
    address = reverse("cases:macro", args=[case.number, macro.pk])
    body = {"version": 1, "against": case.version, "key": "one"}
    answer = desk.post(address, body, headers=HTMX)
    assert (answer.status_code, answer["X-Then"]) == (200, "next")
    page = answer.content.decode()
    assert all(part in page for part in ("case-head", "Rang again", 'id="composer"', "Hi Carl, {promise.due}."))
    desk.post(address, body, headers=HTMX)
    assert Message.objects.count() == 1
    away = make_macro("Away", [{"do": "transfer", "queue": technical.pk}])
    gone = desk.post(reverse("cases:macro", args=[case.number, away.pk]), headers=HTMX)
    assert (gone["X-Then"], f'data-gone="{case.number}"' in gone.content.decode()) == ("list", True)


def test_what_was_refused_is_looked_at_again_in_its_place(desk: Client, case: Case, lee: User) -> None:
    macro = make_macro("Hi", [REPLY])
    address, read = reverse("cases:macro", args=[case.number, macro.pk]), case.version
    conversation.add_note(case, by=lee, text="Stop, I rang her")
    stale = desk.post(address, {"version": 1, "against": read}, headers=HTMX)
    assert (stale.status_code, stale["HX-Retarget"]) == (409, "#macro-preview")
    assert all(part in stale.content.decode() for part in ("Stop, I rang her", "Run it anyway"))
    case.refresh_from_db()
    case.customer = None
    case.save()
    missing = desk.post(address, {"version": 1, "against": case.version}, headers=HTMX)
    assert missing.status_code == 409
    assert 'name="fill.customer.first_name"' in missing.content.decode()
    assert "is not this" not in missing.content.decode()
    assert desk.post(address, {"version": 1, "against": case.version}).status_code == 409
    assert not Message.objects.filter(direction="outbound").exists()


def test_previewing_costs_no_more_with_a_longer_thread(desk: Client, case: Case, lee: User) -> None:
    macro = make_macro("Hi", [NOTE, TAG, REPLY])

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            desk.get(reverse("cases:macro", args=[case.number, macro.pk]))
        return len(seen)

    few = asked()
    for n in range(20):
        conversation.add_note(case, by=lee, text=f"Note {n}")
    assert asked() <= few + 2


# --- in the admin, and over HTTP


def _rows(*steps: dict[str, Any], total: int = 4) -> dict[str, Any]:
    form = {"steps-TOTAL_FORMS": total, "steps-INITIAL_FORMS": 0}
    for n, step in enumerate(steps):
        form |= {f"steps-{n}-{name}": value for name, value in step.items()}
    return form


def test_a_supervisor_makes_one_in_rows_and_sees_what_it_would_do(
    client: Client, sue: User, billing: Queue, technical: Queue, case: Case, ana: User
) -> None:
    client.force_login(sue)
    add = reverse("admin:cases_macro_add")
    rows = _rows(
        {"do": "status", "status": "resolved", "ORDER": 3},
        {"do": "reply", "text_en": "Hi {customer.first_name}", "text_de": "Hallo", "send": "on", "ORDER": 1},
        {"do": "add_tags", "tags": "refund, twice", "ORDER": 2},
    )
    form = {"title": "Refund", "opens_next": "next", "is_active": "on", **rows}
    assert client.get(add).status_code == 200
    assert client.post(add, form).status_code == 200, "no queue"
    assert client.post(add, form | {"queues": [technical.pk]}).status_code == 200, "not hers"
    faulty = client.post(add, form | {"queues": [billing.pk], "steps-1-text_en": "Hi {customer.x}"})
    assert "There is no variable {customer.x}." in faulty.content.decode()
    assert not Macro.objects.exists()
    assert client.post(add, form | {"queues": [billing.pk]}).status_code == 302
    macro = Macro.objects.get()
    assert [step["do"] for step in macro.steps] == ["reply", "add_tags", "status"]
    assert macro.steps[0] == {"do": "reply", "texts": {"en": "Hi {customer.first_name}", "de": "Hallo"}, "send": True}
    change = reverse("admin:cases_macro_change", args=[macro.pk])
    before = everything()
    page = client.get(change).content.decode()
    assert f"To #{case.number}, now and by you. Nothing was done." in page
    assert "Send to Carl Jensen, by mail" in page
    assert everything() == before
    refunds = make_queue("Refunds")
    QueueMembership.objects.create(queue=refunds, user=sue, role="supervisor")
    kept = {"title": "Refund", "opens_next": "stay", "is_active": "on", "queues": [billing.pk]}
    there, elsewhere = (
        _rows({"do": "assign", "to": str(ana.pk), "ORDER": 1}, {"do": "transfer", "queue": str(queue.pk), "ORDER": 2})
        for queue in (refunds, technical)
    )
    assert client.post(change, kept | elsewhere).status_code == 200, "she does not steer it"
    assert client.post(change, kept | there).status_code == 302
    macro.refresh_from_db()
    assert macro.steps == [{"do": "assign", "to": ana.pk}, {"do": "transfer", "queue": refunds.pk}]
    assert macro.versions.count() == 2


def _api(user: User) -> Client:
    return Client(headers={"authorization": f"Bearer {tokens.issue(user)[0]}"})


def test_the_api_makes_previews_and_runs_them(
    case: Case, ana: User, sue: User, billing: Queue, technical: Queue
) -> None:
    body = {"title": "Urgent", "steps": [URGENT, REPLY], "queues": [billing.pk], "opens_next": "list"}
    assert _api(ana).post("/api/macros/", body, "application/json").status_code == 403
    for queues in ([], [technical.pk]):
        assert _api(sue).post("/api/macros/", body | {"queues": queues}, "application/json").status_code == 400
    nowhere = body | {"steps": [{"do": "transfer", "queue": 10**9}]}
    assert _api(sue).post("/api/macros/", nowhere, "application/json").status_code == 400
    made = _api(sue).post("/api/macros/", body, "application/json")
    assert (made.status_code, made.json()["steps"], made["ETag"]) == (201, [URGENT, REPLY], '"1"')
    pk, address = made.json()["id"], f"/api/cases/{case.number}/macros/{made.json()['id']}/"
    assert [m["id"] for m in _api(ana).get(f"/api/cases/{case.number}/macros/").json()["results"]] == [pk]
    assert [e["fate"] for e in _api(ana).get(address).json()["effects"]] == ["will", "will"]
    assert events(case) == []
    once = {"headers": {"idempotency-key": "one"}}
    for _ in range(2):
        done = _api(ana).post(address, {"macro_version": 1}, "application/json", **once)  # type: ignore[arg-type]
        assert (done.status_code, len(done.json()["messages"])) == (200, 1)
    assert Message.objects.count() == 1
    changed = _api(ana).post(address, {"macro_version": 7}, "application/json")
    stale = _api(ana).post(address, {}, "application/json", headers={"if-match": '"1"'})
    assert (changed.status_code, stale.status_code) == (409, 412)
    patch = _api(sue).patch(f"/api/macros/{pk}/", {"steps": [TAG]}, "application/json")
    assert (patch.status_code, patch.json()["version"], patch.json()["title"]) == (200, 2, "Urgent")
