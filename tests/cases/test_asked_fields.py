"""What customers are asked on the contact form and over channels: typed, checked in their language, kept on the case."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from cases import asked_fields, contact_form, fields, intake
from cases.models import Case, CaseField, InboundItem, Queue
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_queue
from tests.cases.visitors import fill_in, opened

pytestmark = pytest.mark.django_db
MAY, MUST = CaseField.OfCustomers.MAY, CaseField.OfCustomers.MUST


@pytest.fixture(autouse=True)
def nobody_is_too_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_form, "QUICKEST", 0)


@pytest.fixture
def help_desk(db: None) -> Queue:
    return make_queue("Help", is_public=True)


@pytest.fixture
def german() -> Client:
    return Client(headers={"accept-language": "de"})


def ask(key: str, kind: str = "text", *options: str, queues: tuple[Queue, ...] = (), **more: Any) -> CaseField:
    field = CaseField.objects.create(key=key, name=key.title(), kind=kind, **{"of_customers": MAY, **more})
    field.queues.set(queues)
    field.offer(options)
    return field


def every_kind() -> None:
    ask("serial", help_text="On the underside")
    ask("story", "long_text"), ask("size", "number", unit="kWh"), ask("paid", "money", unit="EUR")
    ask("since", "date"), ask("again", "yes_no"), ask("page", "link")
    ask("fault", "one_of", "Dead", "Slow"), ask("rooms", "several_of", "Hall", "Attic", "Cellar")
    ask("secret", of_customers=CaseField.OfCustomers.NO), ask("plan", "subscription")


GIVEN = {
    "field_serial": "AB-12",
    "field_story": "Long ago",
    "field_size": "12,5",
    "field_paid": "3",
    "field_since": "2026-03-31",
    "field_again": "yes",
    "field_page": "https://a.example/x",
    "field_fault": "dead",
    "field_rooms": ["hall", "cellar"],
}


def test_every_kind_is_asked_read_and_kept_with_its_event(help_desk: Queue) -> None:
    every_kind()
    client = Client()
    page = client.get("/contact/").content.decode()
    for told in ("Serial", "On the underside", "Size (kWh)", 'type="date"', 'type="checkbox"', "Cellar"):
        assert told in page, told
    assert "Secret" not in page
    assert "Plan" not in page
    assert fill_in(client, **GIVEN, field_secret="x", field_plan="1").status_code == 302
    case = Case.objects.get()
    assert fields.data(case) == {
        "serial": "AB-12",
        "story": "Long ago",
        "size": "12.5",
        "paid": "3",
        "since": "2026-03-31",
        "again": True,
        "page": "https://a.example/x",
        "fault": "dead",
        "rooms": ["hall", "cellar"],
    }
    event = Event.objects.get(stream="case", stream_id=case.pk, kind="fields_filled")
    assert (event.actor, event.via) == (None, "channel")
    assert set(event.data) >= {"fields"}
    assert "AB-12" not in json.dumps(event.data)


def test_what_does_not_fit_is_said_in_the_customer_s_language_and_nothing_is_sent(
    german: Client, help_desk: Queue
) -> None:
    every_kind()
    CaseField.objects.filter(key="serial").update(of_customers=MUST)
    wrong = {"field_serial": " ", "field_size": "much", "field_since": "soon", "field_page": "a.example",
             "field_fault": "burnt"}  # fmt: skip
    answer = fill_in(german, **wrong)
    page = answer.content.decode()
    assert answer.status_code == 200
    for told in ("Geben Sie eine Zahl", "Geben Sie ein Datum", "Bitte füllen Sie das aus."):
        assert told in page, told
    assert not InboundItem.objects.exists()
    assert 'value="much"' in page


def test_what_only_one_topic_asks_is_asked_and_kept_there_alone(help_desk: Queue) -> None:
    other = make_queue("Sales", is_public=True)
    ask("serial", queues=(help_desk,), of_customers=MUST)
    ask("hidden", queues=(make_queue("Inside"),))
    client = Client()
    page = client.get("/contact/").content.decode()
    assert "Only for: Help." in page
    assert "Hidden" not in page
    assert fill_in(client, topic=str(other.pk), field_serial="AB").status_code == 302
    assert fields.data(Case.objects.get()) == {}
    assert "Please fill this in." in fill_in(client, opened(client), topic=str(help_desk.pk)).content.decode()
    assert fill_in(client, opened(client), topic=str(help_desk.pk), field_serial="AB").status_code == 302
    assert fields.data(Case.objects.get(queue=help_desk)) == {"serial": "AB"}


def test_sent_twice_it_is_one_and_what_is_no_longer_asked_is_left_out(
    help_desk: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = ask("serial")
    client = Client()
    start = opened(client)
    for _time in range(2):
        fill_in(client, start, field_serial="AB")
    assert Case.objects.get().messages.count() == 1
    assert Event.objects.filter(kind="fields_filled").count() == 1
    real = intake.process
    monkeypatch.setattr("cases.views.public.process", lambda pk: None)
    fill_in(client, opened(client), field_serial="CD", subject="Later")
    CaseField.objects.filter(pk=field.pk).update(of_customers=CaseField.OfCustomers.NO)
    real(InboundItem.objects.order_by("-pk")[0].pk)
    assert fields.data(Case.objects.get(subject="Later")) == {}


def test_a_form_without_such_fields_makes_the_same_document_as_before(help_desk: Queue) -> None:
    fill_in(Client())
    assert "fields" not in json.loads(bytes(InboundItem.objects.get().raw))


def test_a_program_s_fields_are_checked_for_the_queue(billing: Queue, technical: Queue) -> None:
    ask("size", "number", queues=(billing,)), ask("fault", "one_of", "Dead")
    assert asked_fields.wrong(billing, {"size": 3, "fault": "Dead"}) == ""
    assert asked_fields.wrong(billing, {"size": "big"}) == "“fields”: Size: Give a number, like 12.5."
    assert "no field “size”" in asked_fields.wrong(technical, {"size": 3})
    assert "no field “x”" in asked_fields.wrong(billing, {"x": 1})


def test_who_sets_fields_says_so_over_the_api_and_in_the_admin(client: Client, billing: Queue, root: User) -> None:
    call = Caller(root)
    made = call.post("case-fields/", {"key": "serial", "name": "Serial", "kind": "text", "of_customers": "must"})
    assert (made.status_code, made.json()["of_customers"]) == (201, "must")
    assert call.patch(f"case-fields/{made.json()['id']}/", {"of_customers": "never"}).status_code == 400
    client.force_login(root)
    sent = {"name": "Plan", "key": "plan", "kind": "subscription", "position": 0, "of_customers": "may", "is_active": "on",
            "options-TOTAL_FORMS": 0, "options-INITIAL_FORMS": 0}  # fmt: skip
    page = client.post("/admin/cases/casefield/add/", sent).content.decode()
    assert "Nobody knows yet whose subscriptions" in page
    assert not CaseField.objects.filter(key="plan").exists()


def test_a_field_says_nothing_wrong_of_what_is_empty(billing: Queue) -> None:
    ask("serial")
    case = Case.objects.create(queue=billing, subject="x", channel="web")
    asked_fields.fill(case, {"serial": "", "gone": "x"}, at=timezone.now(), via="channel")
    assert fields.data(case) == {}
    with pytest.raises(ValidationError):
        CaseField(key="x", name="X", of_customers="sometimes").full_clean()
