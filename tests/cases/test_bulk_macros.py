"""A macro on many cases: all of it or nothing on each, once, and given back as far as it can be, which the row says."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import bulk, conversation, outward
from cases.models import Bulk, Case, Dispatch, Draft, Macro, Message, Promise, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case, make_customer, make_macro, make_message
from tests.cases.many import begin, finish, fresh, some, told

pytestmark = pytest.mark.django_db
SEND: dict[str, Any] = {"do": "reply", "texts": {"en": "Hi {customer.first_name}."}, "send": True}
STATUS: dict[str, Any] = {"do": "status", "status": "waiting_internal"}
TAG: dict[str, Any] = {"do": "add_tags", "tags": ["late"]}


def asked(queue: Queue, names: str = "Ann Bo Cy") -> list[Case]:
    """Cases of people who can be answered."""
    made = []
    for name in names.split():
        customer = make_customer(name, email=f"{name.lower()}@example.com")
        case = make_case(queue, customer=customer, channel="mail", status="open", waiting_since=timezone.now())
        make_message(case, "Where is it?", sender=customer.contact_points.get())
        made.append(Case.objects.get(pk=case.pk))
    return made


def back(task: Bulk) -> Bulk:
    bulk.undo(task, by=task.by, at=timezone.now())
    return finish(task)


def stand(cases: list[Case]) -> list[tuple[Any, ...]]:
    return [
        (c.queue_id, c.assignee_id, c.status, c.priority, sorted(c.tags), c.snoozed_until, c.waiting_since)
        for c in fresh(cases)
    ]


def test_what_describes_and_places_a_case_is_done_to_each_and_given_back(
    billing: Queue, technical: Queue, ana: User, lee: User
) -> None:
    cases = some(billing, 3, tags=["old", "was"], waiting_since=timezone.now(), assignee=ana)
    before = stand(cases)
    steps = [
        TAG,
        {"do": "remove_tags", "tags": ["old"]},
        {"do": "priority", "priority": "urgent"},
        STATUS,
        {"do": "snooze", "until": "in 2 h"},
        {"do": "transfer", "queue": technical.pk},
    ]
    macro = make_macro("Theirs", steps)
    task = finish(begin(ana, "macro", cases, macro=macro.pk))
    assert told(task) == [("done", "")] * 3
    assert {(c.queue, c.priority, tuple(c.tags), c.status) for c in fresh(cases)} == {
        (technical, "urgent", ("late", "was"), "waiting_internal")
    }
    assert Event.objects.filter(stream="case", kind="macro_used", data__macro=macro.pk).count() == 3
    assert Macro.objects.get().used_count == 3
    back(task)
    assert told(task) == [("undone", "")] * 3
    assert stand(cases) == before


def test_an_owner_is_given_back_and_tags_put_on_since_stay(billing: Queue, ana: User, lee: User) -> None:
    cases = some(billing, 2, tags=["old"])
    task = finish(begin(ana, "macro", cases, macro=make_macro("To Lee", [TAG, {"do": "assign", "to": lee.pk}]).pk))
    Case.objects.get(pk=cases[0].pk).set_tags(["old", "late", "mine"], by=lee)
    assert [case.assignee for case in fresh(cases)] == [lee, lee]
    back(task)
    assert [(case.assignee, case.tags) for case in fresh(cases)] == [(None, ["mine", "old"]), (None, ["old"])]


def test_what_somebody_changed_since_is_kept(billing: Queue, ana: User, lee: User) -> None:
    cases = some(billing, 2)
    task = finish(begin(ana, "macro", cases, macro=make_macro("Wait", [TAG, STATUS]).pk))
    Case.objects.get(pk=cases[0].pk).reopen(by=lee)
    back(task)
    assert told(task) == [("kept", "Lee Hart has changed it since."), ("undone", "")]


# --- what is said


def test_a_reply_is_taken_back_while_it_can_be_and_then_says_that_it_has_left(billing: Queue, ana: User) -> None:
    cases = asked(billing)
    macro = make_macro("Sorry", [SEND, TAG, {"do": "status", "status": "resolved"}])
    task = finish(begin(ana, "macro", cases, macro=macro.pk))
    assert told(task) == [("done", "")] * 3
    assert Message.objects.filter(direction="outbound").count() == 3
    gone = Message.objects.filter(direction="outbound", case=cases[0]).get()
    Dispatch.objects.filter(message=gone).update(release_at=timezone.now())
    assert outward.release_due(timezone.now()) == 1
    back(task)
    assert told(task) == [
        ("undone", "Taken back, but not all: the reply has left."),
        ("undone", ""),
        ("undone", ""),
    ]
    states = Dispatch.objects.filter(source="message").order_by("message__case").values_list("state", flat=True)
    assert list(states)[1:] == ["undone", "undone"]
    assert states[0] != "undone"
    assert [(c.status, c.tags) for c in fresh(cases)] == [("resolved", []), ("open", []), ("open", [])]
    assert Draft.objects.filter(kind="reply", author=ana).count() == 2


def test_what_stays_is_said_and_where_that_is_all_nothing_is_called_undone(billing: Queue, ana: User) -> None:
    note = make_macro("Note", [{"do": "note", "text": "Rang"}])
    promise = make_macro("Promise", [{"do": "promise", "what": "A call", "by_when": "in 3 h"}, TAG])
    draft = make_macro("Draft", [{"do": "reply", "texts": {"en": "Hello"}}])
    cases = asked(billing, "Ann")
    expected = {
        note: ("kept", "It cannot be taken back: the note stays."),
        promise: ("undone", "Taken back, but not all: the promise stays."),
        draft: ("kept", "It cannot be taken back: its words stay in your draft."),
    }
    for macro, row in expected.items():
        task = finish(begin(ana, "macro", cases, macro=macro.pk))
        assert told(task) == [("done", "")], macro
        back(task)
        assert told(task) == [row]
    assert Promise.objects.get().state == "open"


# --- what is left out


def test_who_has_written_since_is_not_answered_with_what_was_chosen_before(
    billing: Queue, ana: User, lee: User
) -> None:
    cases = asked(billing)
    task = begin(ana, "macro", cases, macro=make_macro("Sorry", [SEND]).pk)
    conversation.add_inbound(cases[0], text="It came!", sender=None, channel="mail", at=timezone.now())
    conversation.add_note(cases[1], by=lee, text="I rang him.")
    finish(task)
    assert told(task) == [
        ("skipped", "The customer has written since."),
        ("skipped", "There is something new in this case. Read it, then send again."),
        ("done", ""),
    ]
    assert Message.objects.filter(direction="outbound").count() == 1


def test_one_refused_action_leaves_the_whole_case_and_says_which(billing: Queue, ana: User) -> None:
    nobody, *rest = [*some(billing, 1), *asked(billing, "Ann")]
    task = finish(begin(ana, "macro", [nobody, *rest], macro=make_macro("Sorry", [TAG, SEND]).pk))
    (state, why), (other, _nothing) = told(task)
    assert (state, other) == ("skipped", "done")
    assert why.startswith("Nothing was done. Send to the customer, by ")
    assert fresh([nobody])[0].tags == []
    assert not Event.objects.filter(stream="case", stream_id=nobody.pk, via="macro").exists()


def test_a_macro_that_changes_meanwhile_stops_being_run(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    cases, macro = some(billing, 4), make_macro("Late", [TAG])
    task = begin(ana, "macro", cases, macro=macro.pk)
    bulk.sweep(timezone.now())
    macro.publish(title="Late", steps=[{"do": "add_tags", "tags": ["other"]}])
    finish(task)
    changed = ("skipped", "This macro was changed. Look at what it does now.")
    assert told(task) == [("done", ""), ("done", ""), changed, changed]
    with pytest.raises(Refusal, match="was changed"):
        begin(ana, "macro", cases, macro=macro.pk, version=1)


def test_only_macros_of_queues_one_sees_and_of_the_cases_queue(billing: Queue, technical: Queue, ana: User) -> None:
    cases = some(billing, 1)
    theirs = make_macro("Theirs", [TAG], queues=[technical])
    off = make_macro("Off", [TAG], is_active=False)
    for wrong in (theirs.pk, off.pk, 0, "x", None):
        with pytest.raises(Refusal, match="Choose a macro"):
            begin(ana, "macro", cases, macro=wrong)
    technical.admit(ana, role="rep", by=None)
    task = finish(begin(ana, "macro", cases, macro=theirs.pk))
    assert told(task) == [("skipped", f"This macro is not for cases of {billing.name}.")]


# --- exactly once


def test_whoever_dies_in_the_middle_has_sent_nothing_and_the_next_sends_each_once(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SLICE", 2)
    cases = asked(billing, "Ann Bo Cy Di Ed")
    task = begin(ana, "macro", cases, macro=make_macro("Sorry", [SEND, TAG]).pk)
    real, calls = conversation.reply, []

    def dies(case: Case, **kwargs: Any) -> Message:
        message = real(case, **kwargs)
        calls.append(case.pk)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return message

    monkeypatch.setattr(conversation, "reply", dies)
    with pytest.raises(KeyboardInterrupt):
        bulk.sweep(timezone.now())
    assert [state for state, _why in told(task)] == ["done", "done", "waiting", "waiting", "waiting"]
    assert Message.objects.filter(direction="outbound").count() == Dispatch.objects.count() == 2
    finish(task)
    sent = Message.objects.filter(direction="outbound").order_by("case").values_list("case", flat=True)
    assert list(sent) == [case.pk for case in cases]
    assert Dispatch.objects.count() == 5


def test_one_press_sent_twice_begins_one_change(client: Client, billing: Queue, ana: User) -> None:
    client.force_login(ana)
    cases, macro = asked(billing, "Ann"), make_macro("Sorry", [SEND])
    base = f"/queues/{billing.pk}/bulk/"
    sent = {
        "do": "macro",
        "macro": macro.pk,
        "version": 1,
        "key": "k1",
        "numbers": f"{cases[0].number}:{cases[0].version}",
    }
    answers = [client.post(base, sent) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {f"/bulk/{Bulk.objects.get().pk}/"}
    assert client.post(base, sent | {"do": "take"}).status_code == 409
    call, body = Caller(ana), {"action": "macro", "macro": macro.pk, "cases": [{"number": cases[0].number}]}
    twice = [call.post("bulk/", body, idempotency_key="k2").json()["id"] for _ in range(2)]
    assert len(set(twice)) == 1
    for task in Bulk.objects.all():
        finish(task)
    assert Bulk.objects.count() == Message.objects.filter(direction="outbound").count() == 2


# --- at the desk


def test_the_desk_shows_what_it_would_do_and_what_could_not_be_taken_back(
    client: Client, billing: Queue, technical: Queue, ana: User
) -> None:
    client.force_login(ana)
    (case,) = asked(billing, "Ann")
    macro = make_macro("Sorry, late", [SEND, {"do": "note", "text": "said sorry"}])
    theirs = make_macro("Theirs", [TAG], queues=[technical])
    base = f"/queues/{billing.pk}/bulk/"
    listed = client.get(base, {"do": "macro"}).content.decode()
    assert "Sorry, late" in listed
    assert "Theirs" not in listed
    shown = client.get(base, {"do": "macro", "macro": macro.pk, "example": case.number}).content.decode()
    assert "Hi Ann." in shown
    assert "cannot be taken back" in shown
    assert "The notes stay." in shown
    assert not Message.objects.filter(direction="outbound").exists()
    assert client.get(base, {"do": "macro", "macro": macro.pk}).status_code == 200
    for wrong in (theirs.pk, 0, "x"):
        assert client.get(base, {"do": "macro", "macro": wrong}).status_code == 404
    assert 'data-keys="m"' in client.get(f"/queues/{billing.pk}/").content.decode()


def test_the_api_runs_one_and_refuses_another_version(billing: Queue, ana: User) -> None:
    call, macro = Caller(ana), make_macro("Late", [TAG])
    body = {"action": "macro", "macro": macro.pk, "macro_version": 1}
    cases = [{"number": case.number} for case in some(billing, 2)]
    made = call.post("bulk/", body | {"cases": cases})
    assert (made.status_code, made.json()["given"]["version"]) == (202, 1)
    finish(Bulk.objects.get())
    assert call.get(f"bulk/{made.json()['id']}/").json()["counts"]["done"] == 2
    assert call.post("bulk/", body | {"macro_version": 2, "cases": cases}).status_code == 409
    assert call.post("bulk/", {"action": "macro", "cases": cases}).status_code == 409
