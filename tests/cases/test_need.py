"""Need met, and feelings: set and cleared by verbs alone, and by nothing else whatever it says to the database."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from cases import conversation, feelings
from cases.models import Case, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_message, make_question

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def kinds(case: Case) -> list[str]:
    return list(
        Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("kind", flat=True)
    )


def is_met(case: Case) -> bool:
    case.refresh_from_db()
    return case.need_met_event_id is not None


def writes_again(case: Case) -> None:
    case.refresh_from_db()
    conversation.add_inbound(case, text="And?", sender=None, channel="mail", at=timezone.now())


# --- the verbs


def test_it_points_at_the_very_event_and_says_who_and_how(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="survey")
    event = Event.objects.get(stream="case", stream_id=case.pk, kind="need_met")
    assert (case.need_met_event_id, event.actor, event.data) == (event.pk, ana, {"how": "survey"})
    assert is_met(case)


def test_saying_it_twice_is_once_and_an_unknown_way_is_refused(case: Case, ana: User, lee: User) -> None:
    with pytest.raises(Refusal, match="customer_said"):
        case.mark_need_met(by=ana, how="guess")
    case.mark_need_met(by=ana, how="customer_said")
    case.mark_need_met(by=lee, how="silence")
    assert kinds(case).count("need_met") == 1


def test_it_is_taken_back_and_may_be_met_again(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    first = case.need_met_event_id
    case.mark_need_unmet(by=ana)
    case.mark_need_unmet(by=ana)
    assert not is_met(case)
    case.mark_need_met(by=ana, how="customer_said")
    assert case.need_met_event_id not in {None, first}
    assert kinds(case)[-3:] == ["need_met", "need_unmet", "need_met"]


def test_a_customer_who_writes_again_to_a_resolved_case_reopens_it_and_the_need(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    case.resolve(by=ana)
    assert is_met(case)
    writes_again(case)
    assert not is_met(case)
    assert kinds(case)[-1] == "reopened"


def test_reopening_by_hand_clears_it_too(case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    case.resolve(by=ana)
    case.reopen(by=ana)
    assert not is_met(case)


def test_words_in_an_open_case_do_not_clear_it_but_their_feeling_is_unknown(case: Case, ana: User) -> None:
    feelings.mark(case.messages.get(), "good", by=ana)
    case.refresh_from_db()
    case.mark_need_met(by=ana, how="customer_said")
    writes_again(case)
    assert is_met(case)
    assert feelings.course(case) == feelings.Course("good", "")


@pytest.mark.parametrize("status", ["spam", "merged"])
def test_what_is_spam_or_lives_on_elsewhere_has_no_met_need(case: Case, ana: User, status: str) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    case.change_status(status, by=ana)
    assert not is_met(case)
    with pytest.raises(Refusal):
        case.mark_need_met(by=ana, how="customer_said")


# --- the database itself


def set_by_hand(case: Case, event: int | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_case SET need_met_event_id = %s WHERE id = %s", [event, case.pk])


def test_raw_sql_cannot_borrow_an_event_of_another_case_or_kind(case: Case, ana: User, billing: Queue) -> None:
    other = make_case(billing)
    other.mark_need_met(by=ana, how="customer_said")
    received = Event.objects.get(stream="case", stream_id=case.pk, kind="message_received")
    for event in (other.need_met_event_id, received.pk, 0, 10**12):
        with pytest.raises(DatabaseError):
            set_by_hand(case, event)
    assert not is_met(case)


@pytest.mark.parametrize("ends", ["unmet", "reopened", "spam"])
def test_raw_sql_cannot_bring_back_what_was_taken_back(case: Case, ana: User, ends: str) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    old = case.need_met_event_id
    if ends == "unmet":
        case.mark_need_unmet(by=ana)
    elif ends == "reopened":
        case.resolve(by=ana)
        writes_again(case)
    else:
        case.change_status("spam", by=ana)
        case.change_status("open", by=ana)
    with pytest.raises(DatabaseError):
        set_by_hand(case, old)
    case.mark_need_met(by=ana, how="customer_said")
    with pytest.raises(DatabaseError):
        set_by_hand(case, old)


def test_a_new_case_cannot_be_born_with_somebodys_evidence(case: Case, ana: User, billing: Queue) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    with pytest.raises(DatabaseError), transaction.atomic():
        Case.objects.create(queue=billing, need_met_event_id=case.need_met_event_id)


# --- feelings


def test_a_mark_is_corrected_and_taken_back_each_with_its_event(case: Case, ana: User) -> None:
    message = case.messages.get()
    for feeling in ("bad", "bad", "good", ""):
        feelings.mark(message, feeling, by=ana)
    marks = Event.objects.filter(kind="feeling_marked").order_by("version")
    assert [(m.data["was"], m.data["feeling"]) for m in marks] == [("", "bad"), ("bad", "good"), ("good", "")]
    assert feelings.course(case) == feelings.Course("", "")


def test_only_what_a_customer_wrote_has_a_feeling(case: Case, ana: User) -> None:
    note = conversation.add_note(case, by=ana, text="She sounds glad")
    auto = make_message(case, "Out of office", is_auto=True)
    for message in (note, auto):
        with pytest.raises(Refusal):
            feelings.mark(message, "good", by=ana)
    with pytest.raises(Refusal):
        feelings.mark(case.messages.get(direction="inbound", is_auto=False), "furious", by=ana)
    assert not Event.objects.filter(kind="feeling_marked").exists()


def test_the_course_goes_from_the_first_mark_to_the_latest_message(case: Case, ana: User) -> None:
    now = timezone.now()
    later = make_message(case, "Thank you", at=now + timedelta(minutes=1))
    make_message(case, "We are closed", is_auto=True, at=now + timedelta(minutes=2))
    feelings.mark(case.messages.earliest("at"), "bad", by=ana)
    assert feelings.course(case) == feelings.Course("bad", "")
    feelings.mark(later, "good", by=ana)
    assert feelings.course(case) == feelings.Course("bad", "good")


# --- over HTTP


def test_the_desk_says_it_in_one_step_and_everybody_sees_it(client: Client, case: Case, ana: User) -> None:
    client.force_login(ana)
    place = f"/cases/{case.number}"
    assert "need: unmet" in client.get(f"{place}/").content.decode()
    assert "How do we know?" in client.get(f"{place}/need/").content.decode()
    client.post(f"{place}/need/", {"how": "customer_said"})
    client.post(f"{place}/messages/{case.messages.get().pk}/feeling/", {"feeling": "good"})
    html = client.get(f"{place}/").content.decode()
    for word in ("need: met", "feeling good", "Need met (Ana Lind): the customer said so", 'aria-pressed="true"'):
        assert word in html, word
    client.delete(f"{place}/need/")
    assert not is_met(case)


def test_a_watching_executive_may_not_and_a_working_one_may(
    client: Client, case: Case, eve: User, billing: Queue
) -> None:
    client.force_login(eve)
    billing.join(eve, mode="watch")
    place, words = f"/cases/{case.number}", {"how": "customer_said"}
    assert client.post(f"{place}/need/", words).status_code == 403
    assert client.post(f"{place}/messages/{case.messages.get().pk}/feeling/", {"feeling": "good"}).status_code == 403
    assert "data-feels" not in client.get(f"{place}/").content.decode()
    assert not is_met(case)
    billing.join(eve, mode="work")
    client.post(f"{place}/need/", words)
    assert is_met(case)


def test_scripts_read_and_say_the_same(case: Case, ana: User) -> None:
    call = Caller(ana)
    told = call.get(f"cases/{case.number}/").json()
    assert (told["need_met"], told["sentiment"]) == (False, {"first": None, "last": None})
    assert call.post(f"cases/{case.number}/need/", {}).json()["need_met"] is True
    mark = call("PUT", f"cases/{case.number}/messages/{case.messages.get().pk}/feeling/", {"feeling": "bad"})
    assert mark.json()["feeling"] == "bad"
    told = call.get(f"cases/{case.number}/").json()
    assert (told["need_met"], told["sentiment"]) == (True, {"first": -1.0, "last": -1.0})
    assert call.delete(f"cases/{case.number}/need/").json()["need_met"] is False
    assert call.post(f"cases/{case.number}/need/", {"how": "guess"}).status_code == 400
    stale = call.post(f"cases/{case.number}/need/", {}, If_Match='"1"')
    assert (stale.status_code, is_met(case)) == (412, False)
