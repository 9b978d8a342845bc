"""How a case ended: asked where the queue wants it, refused in words where it must be said, put together where two are one."""

from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from cases import conversation, outcomes
from cases.models import Bulk, Case, Cause, Disposition, Queue
from cases.models.refusals import OutcomeWanted, Refusal
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case, make_customer, make_macro, make_message
from tests.cases.many import finish

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def charge(billing: Queue) -> Disposition:
    return Disposition.objects.create(name="Wrong charge")


@pytest.fixture
def bill() -> Cause:
    return Cause.objects.create(name="A clearer bill")


@pytest.fixture
def case(billing: Queue, ana: User) -> Case:
    found = make_case(billing, customer=make_customer(email="carl@example.org"))
    make_message(found)
    found.claim(by=ana)
    return found


def asks(queue: Queue, **wants: str) -> None:
    Queue.objects.filter(pk=queue.pk).update(**{f"asks_{part}": want for part, want in wants.items()})
    queue.refresh_from_db()


# --- the rule itself


def test_what_must_be_said_is_said_before_and_the_event_carries_ids(
    case: Case, billing: Queue, ana: User, charge: Disposition, bill: Cause
) -> None:
    asks(billing, disposition="required", cause="optional")
    with pytest.raises(OutcomeWanted, match="say what it was about"):
        case.resolve(by=ana)
    case.refresh_from_db()
    assert case.status != "resolved"
    outcomes.note(case, by=ana, disposition=charge, cause=bill)
    case.resolve(by=ana)
    noted, resolved = Event.objects.filter(kind__in=["outcome_noted", "resolved"]).order_by("version")
    assert (noted.data["disposition"], noted.data["cause"]) == (charge.pk, bill.pk)
    assert (resolved.data["disposition"], resolved.data["cause"]) == (charge.pk, bill.pk)


def test_what_nobody_can_choose_is_not_wanted_and_programs_are_not_asked(case: Case, billing: Queue, ana: User) -> None:
    asks(billing, disposition="required")
    elsewhere = Disposition.objects.create(name="Elsewhere")
    elsewhere.queues.add(Queue.objects.create(name="Other"))
    Disposition.objects.create(name="Gone", is_active=False)
    case.resolve(by=ana)
    assert case.status == "resolved"
    Disposition.objects.create(name="Wrong charge")
    case.reopen(by=ana)
    case.change_status("resolved", by=None, via="rule")
    assert case.status == "resolved"


def test_a_note_is_quiet_corrected_and_refuses_what_is_not_offered(case: Case, ana: User, charge: Disposition) -> None:
    outcomes.note(case, by=ana, disposition=charge)
    outcomes.note(case, by=ana, disposition=charge)
    other = Disposition.objects.create(name="Moving", is_active=False)
    with pytest.raises(Refusal, match="“Moving” is not offered"):
        outcomes.note(case, by=ana, disposition=other)
    case.refresh_from_db()
    assert case.disposition == charge
    outcomes.note(case, by=ana, disposition=None)
    told = Event.objects.filter(kind="outcome_noted").order_by("version").values_list("data__disposition", flat=True)
    assert list(told) == [charge.pk, None]


# --- two are one


def test_merging_moves_the_cases_and_what_was_merged_before(case: Case, ana: User, charge: Disposition) -> None:
    older = Disposition.objects.create(name="Charged wrongly")
    oldest = Disposition.objects.create(name="Overcharged")
    outcomes.note(case, by=ana, disposition=oldest)
    oldest.merge(older)
    older.merge(charge)
    older.merge(charge)
    assert outcomes.follow(timezone.now()) == 1
    assert outcomes.follow(timezone.now()) == 0
    case.refresh_from_db()
    oldest.refresh_from_db()
    assert (case.disposition, oldest.merged_into, oldest.is_active) == (charge, charge, False)
    for wrong in (oldest, charge):
        with pytest.raises(Refusal):
            charge.merge(wrong)


@pytest.mark.django_db(transaction=True)
def test_a_case_in_somebodys_hands_follows_later_and_nobody_waits(case: Case, ana: User, charge: Disposition) -> None:
    gone = Disposition.objects.create(name="Overcharged")
    outcomes.note(case, by=ana, disposition=gone)
    gone.merge(charge)
    done: list[int] = []

    def elsewhere() -> None:
        try:
            done.append(outcomes.follow(timezone.now()))
        finally:
            connection.close()

    with transaction.atomic():
        case.lock()
        thread = Thread(target=elsewhere)
        thread.start()
        thread.join(10)
    assert done == [0]
    # Given by somebody who had read it before the merge: the next turn finds it all the same.
    assert outcomes.follow(timezone.now()) == 1
    case.refresh_from_db()
    assert case.disposition == charge
    with pytest.raises(Refusal, match="not offered"):
        outcomes.note(case, by=ana, disposition=gone)


# --- the doors


def test_the_page_asks_in_one_step_and_goes_on(
    client: Client, case: Case, billing: Queue, ana: User, charge: Disposition
) -> None:
    asks(billing, disposition="required")
    client.force_login(ana)
    place = f"/cases/{case.number}/"
    refused = client.post(f"{place}resolution/", headers=HTMX)
    assert (refused.status_code, refused["X-First"], refused["HX-Retarget"]) == (409, "1", "#ask-body")
    form = refused.content.decode()
    assert "Wrong charge" in form
    assert "data-first" in form
    assert "Resolve without" not in form
    assert client.post(f"{place}outcome/", {"disposition": charge.pk}, headers=HTMX).status_code == 200
    assert client.post(f"{place}resolution/", headers=HTMX).status_code == 200
    case.refresh_from_db()
    assert (case.status, case.disposition) == ("resolved", charge)
    assert "noted how it ended: Wrong charge" in client.get(place).content.decode()


def test_what_may_be_left_open_is_asked_once_and_left(
    client: Client, case: Case, billing: Queue, ana: User, charge: Disposition
) -> None:
    asks(billing, disposition="optional")
    client.force_login(ana)
    place = f"/cases/{case.number}/resolution/"
    assert "Resolve without" in client.post(place, headers=HTMX).content.decode()
    assert client.post(place, {"outcome_left": "1"}, headers=HTMX).status_code == 200
    case.refresh_from_db()
    assert case.status == "resolved"


def test_what_must_be_said_cannot_be_left_by_saying_so(
    client: Client, case: Case, billing: Queue, ana: User, charge: Disposition
) -> None:
    asks(billing, disposition="required")
    client.force_login(ana)
    for headers in (HTMX, {}):
        refused = client.post(f"/cases/{case.number}/resolution/", {"outcome_left": "1"}, headers=headers)
        assert refused.status_code == 409
    case.refresh_from_db()
    assert case.status != "resolved"


def test_send_and_resolve_asks_before_anything_is_sent(
    case: Case, billing: Queue, ana: User, charge: Disposition
) -> None:
    asks(billing, disposition="required")
    with pytest.raises(OutcomeWanted):
        conversation.reply(case, by=ana, text="Done", written_against=case.version, then_status="resolved")
    assert not case.messages.filter(direction="outbound").exists()
    outcomes.note(case, by=ana, disposition=charge)
    conversation.reply(case, by=ana, text="Done", written_against=case.version, then_status="resolved")


def test_scripts_say_it_in_one_step_and_are_told_what_is_missing(
    case: Case, billing: Queue, ana: User, charge: Disposition, bill: Cause
) -> None:
    asks(billing, disposition="required")
    call = Caller(ana)
    refused = call.post(f"cases/{case.number}/resolution/", {})
    assert (refused.status_code, "what it was about" in refused.json()["detail"]) == (409, True)
    unknown = call.post(f"cases/{case.number}/resolution/", {"disposition": 10**9})
    assert (unknown.status_code, "no such answer" in unknown.json()["detail"]) == (409, True)
    done = call.post(f"cases/{case.number}/resolution/", {"disposition": charge.pk, "cause": bill.pk}).json()
    assert (done["status"], done["disposition"], done["cause"]) == ("resolved", charge.pk, bill.pk)
    corrected = call("PUT", f"cases/{case.number}/outcome/", {"cause": None}).json()
    assert (corrected["disposition"], corrected["cause"]) == (charge.pk, None)
    assert [row["name"] for row in call.get("dispositions/").json()["results"]] == ["Wrong charge"]


def test_a_refused_resolution_leaves_no_note_behind(
    case: Case, billing: Queue, ana: User, charge: Disposition, bill: Cause
) -> None:
    asks(billing, disposition="required", cause="required")
    assert Caller(ana).post(f"cases/{case.number}/resolution/", {"cause": bill.pk}).status_code == 409
    case.refresh_from_db()
    assert (case.cause_id, case.status) == (None, "new")


def test_supervisors_add_rename_and_merge_over_the_api(sue: User, billing: Queue, charge: Disposition) -> None:
    call = Caller(sue)
    made = call.post("dispositions/", {"name": "Overcharged", "queues": [billing.pk]})
    assert made.status_code == 201
    assert call.post("dispositions/", {"name": "Overcharged"}).status_code == 409
    merged = call("PATCH", f"dispositions/{made.json()['id']}/", {"merged_into": charge.pk}).json()
    assert (merged["merged_into"], merged["is_active"]) == (charge.pk, False)
    assert call("PATCH", f"dispositions/{charge.pk}/", {"merged_into": charge.pk}).status_code == 409
    assert call.post("causes/", {"name": "A clearer bill", "owner": sue.pk}).json()["owner"] == sue.pk


def test_many_at_once_say_it_for_all_or_are_refused_one_by_one(
    case: Case, billing: Queue, ana: User, charge: Disposition
) -> None:
    asks(billing, disposition="required")
    call = Caller(ana)

    def resolve(**more: Any) -> str:
        body = {"action": "status", "status": "resolved", "cases": [{"number": case.number}], **more}
        made = call.post("bulk/", body)
        assert made.status_code == 202, made.content
        finish(Bulk.objects.get(pk=made.json()["id"]))
        (row,) = call.get(f"bulk/{made.json()['id']}/rows/").json()["results"]
        return str(row)

    assert "say what it was about" in resolve()
    assert "say what it was about" not in resolve(disposition=charge.pk)
    case.refresh_from_db()
    assert (case.status, case.disposition) == ("resolved", charge)


def test_a_macro_is_refused_with_the_sentence(
    client: Client, case: Case, billing: Queue, ana: User, charge: Disposition
) -> None:
    asks(billing, disposition="required")
    macro = make_macro("Done", [{"do": "status", "status": "resolved"}], queues=[billing])
    refused = Caller(ana).post(f"cases/{case.number}/macros/{macro.pk}/", {})
    assert "what it was about" in refused.content.decode()
    case.refresh_from_db()
    assert case.status != "resolved"


def test_cases_are_found_by_how_they_ended(
    case: Case, billing: Queue, ana: User, charge: Disposition, bill: Cause
) -> None:
    other = make_case(billing, subject="Another one")
    outcomes.note(case, by=ana, disposition=charge, cause=bill)
    case.resolve(by=ana)
    call = Caller(ana)

    def found(q: str) -> set[int]:
        return {row["case"]["number"] for row in call.get(f"search/?q={q}").json()["results"] if row["case"]}

    assert found('disposition:"wrong charge"') == found("cause:a") == {case.number}
    assert found("disposition:none subject") <= {other.number}
    assert call.get("search/?q=cause:nothing-like-it").status_code == 400


def test_the_settings_merge_by_choosing_what_it_is(
    client: Client, case: Case, sue: User, ana: User, charge: Disposition
) -> None:
    gone = Disposition.objects.create(name="Overcharged")
    outcomes.note(case, by=ana, disposition=gone)
    client.force_login(sue)
    place = f"/admin/cases/disposition/{gone.pk}/change/"
    page = client.get(place)
    assert "1 × case that ended with it" in page.content.decode()
    seal = page.context["adminform"].form.initial
    data = {"name": "Overcharged", "position": 0, "is_active": "on", "merged_into": charge.pk}
    data |= {name: value for name, value in seal.items() if name not in data and name.startswith("seen")}
    answer = client.post(place, data)
    if answer.status_code == 200:  # it asks once more where it would hurt, or shows a mistake
        raise AssertionError(answer.context["adminform"].form.errors)
    outcomes.follow(timezone.now())
    case.refresh_from_db()
    gone.refresh_from_db()
    assert (case.disposition, gone.merged_into, gone.is_active) == (charge, charge, False)
