"""Macros: what the preview says is what the run does, all of it or nothing, once for one key, and in somebody's name."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from cases import conversation, drafts, macros, outward
from cases.hooks import resolve_checks
from cases.macro_doing import Order
from cases.models import Case, CaseField, Dispatch, Draft, Macro, Message, Queue, Tag
from cases.models.case import Refusal
from cases.telling import told
from crm import commands
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_macro, make_user

pytestmark = pytest.mark.django_db

REPLY: dict[str, Any] = {"do": "reply", "texts": {"en": "Hi {customer.first_name}."}, "send": True}
DRAFT: dict[str, Any] = {"do": "reply", "texts": {"en": "Hi {customer.first_name}, {promise.due}."}}
URGENT: dict[str, Any] = {"do": "priority", "priority": "urgent"}
TAG: dict[str, Any] = {"do": "add_tags", "tags": ["Refund"]}
NOTE: dict[str, Any] = {"do": "note", "text": "Rang again"}
RESOLVED: dict[str, Any] = {"do": "status", "status": "resolved"}
EACH: dict[str, dict[str, Any]] = {
    "reply": REPLY,
    "draft": DRAFT,
    "note": NOTE,
    "add_tags": TAG,
    "remove_tags": {"do": "remove_tags", "tags": ["old"]},
    "priority": URGENT,
    "open": {"do": "status", "status": "open"},
    "resolved": RESOLVED,
    "mine": {"do": "assign", "to": "me"},
    "nobody": {"do": "assign", "to": "nobody"},
    "snooze": {"do": "snooze", "until": "tomorrow 9:00"},
    "promise": {"do": "promise", "what": "A call to {customer.first_name}", "by_when": "in 2 h"},
}


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_case(billing, "Charged twice", customer=carl, channel="mail", assignee=ana, tags=["old"])


def run(case: Case, macro: Macro, by: User, key: str = "k", **order: Any) -> macros.Done:
    return macros.run(Case.objects.get(pk=case.pk), macro, by=by, key=key, order=Order(**order))


def events(case: Case) -> list[Event]:
    return list(Event.objects.filter(stream="case", stream_id=case.pk).order_by("version"))


def everything() -> tuple[Any, ...]:
    """What a macro may touch, row by row."""
    rows = (Case, Event, Message, Draft, Dispatch, Macro)
    return tuple(list(model._default_manager.order_by("pk").values()) for model in rows)


def fates(done: macros.Done) -> list[str]:
    return [effect.fate for effect in done.effects]


# --- what it does


def test_several_actions_are_one_and_each_says_who_and_by_what(case: Case, ana: User, lee: User) -> None:
    steps = [NOTE, TAG, EACH["remove_tags"], URGENT, EACH["promise"], {"do": "assign", "to": lee.pk}, EACH["snooze"]]
    done = run(case, make_macro("Hand over", steps), ana)
    case.refresh_from_db()
    assert fates(done) == ["will"] * 7
    assert (case.tags, case.priority, case.assignee, case.promises.get().owner) == (["refund"], "urgent", lee, ana)
    assert case.promises.get().what == "A call to Carl"
    assert case.snoozed_until is not None
    kinds = ["note_added", "tagged", "tagged", "priority_changed", "promise_made", "assigned", "snoozed", "macro_used"]
    assert [event.kind for event in events(case)] == kinds
    assert {(event.via, event.actor) for event in events(case)} == {("macro", ana)}
    assert told(events(case)[-1]) == "Ana Lind used the macro “Hand over”"
    macro = Macro.objects.get()
    assert (macro.used_count, macro.used_at is not None, events(case)[-1].data) == (
        1,
        True,
        {"macro": macro.pk, "version": 1},
    )


def test_a_reply_goes_the_guarded_way_and_the_status_comes_when_it_has_left(case: Case, ana: User) -> None:
    drafts.save(case, author=ana, kind="reply", text="My own words")
    run(case, make_macro("Done", [RESOLVED, REPLY]), ana)
    message = Message.objects.get()
    case.refresh_from_db()
    assert (message.text, message.author, message.then_status, case.status) == ("Hi Carl.", ana, "resolved", "new")
    assert message.dispatch is not None
    assert message.dispatch.state == "held"
    assert Draft.objects.get().text == "My own words"
    outward.release_due(timezone.now() + timedelta(seconds=11))
    case.refresh_from_db()
    assert case.status == "resolved"


def test_an_undone_reply_changes_no_status_and_keeps_what_was_being_written(case: Case, ana: User) -> None:
    drafts.save(case, author=ana, kind="reply", text="My own words")
    run(case, make_macro("Done", [REPLY, RESOLVED]), ana)
    conversation.take_back(Message.objects.get(), by=ana)
    outward.release_due(timezone.now() + timedelta(seconds=11))
    case.refresh_from_db()
    assert case.status == "new"
    assert "My own words" in Draft.objects.get().text


def test_a_draft_comes_under_what_is_being_written(case: Case, ana: User) -> None:
    drafts.save(case, author=ana, kind="reply", text="So far", next_step="A call", by_when="today", written_against=1)
    macro = make_macro("Draft", [{**DRAFT, "next_step": "Other", "by_when": "in 2 h"}])
    done = run(case, macro, ana)
    draft = Draft.objects.get()
    assert draft.text.startswith("So far\n\nHi Carl, ")
    assert (draft.next_step, draft.by_when, draft.written_against) == ("A call", "today", 1)
    assert done.drafted
    assert not Message.objects.exists()


def test_the_promise_of_a_reply_fills_its_own_variables(case: Case, ana: User) -> None:
    text = {"en": "{promise.what} by {promise.due}"}
    step = {**REPLY, "texts": text, "next_step": "A call, {customer.first_name}", "by_when": "in 2 h"}
    run(case, make_macro("Call", [step]), ana)
    message = Message.objects.get()
    assert message.next_step == "A call, Carl"
    assert message.text.startswith("A call, Carl by ")
    assert message.by_when is not None


def test_times_are_those_of_who_runs_it(case: Case, ana: User) -> None:
    ana.tz = "America/New_York"
    ana.save()
    run(case, make_macro("Later", [EACH["snooze"]]), ana)
    case.refresh_from_db()
    assert case.snoozed_until is not None
    assert case.snoozed_until.hour in {13, 14}


def test_moving_it_does_not_end_what_follows(case: Case, ana: User, technical: Queue) -> None:
    done = run(case, make_macro("Theirs", [{"do": "transfer", "queue": technical.pk}, NOTE, TAG]), ana)
    case.refresh_from_db()
    assert (fates(done), case.queue, case.tags) == (["will"] * 3, technical, ["old", "refund"])


def test_taking_it_from_a_colleague_is_assigning(case: Case, ana: User, lee: User) -> None:
    case.assign(lee, by=ana)
    run(case, make_macro("Mine", [EACH["mine"]]), ana)
    case.refresh_from_db()
    assert (case.assignee, events(case)[-2].kind) == (ana, "assigned")


# --- the preview is the run


@pytest.mark.parametrize("status", ["new", "waiting_customer", "resolved", "closed", "spam"])
def test_the_preview_says_exactly_what_the_run_does_and_leaves_no_trace(
    billing: Queue, carl: Customer, ana: User, status: str
) -> None:
    case = make_case(billing, customer=carl, channel="mail", tags=["old"], status=status, resolved_at=timezone.now())
    for name, step in EACH.items():
        macro = make_macro(name, [step])
        before = everything()
        seen = macros.preview(case, macro, by=ana)
        assert everything() == before, name
        done = run(case, macro, ana, key=name, partly=True)
        assert [(e.fate, e.why, e.words) for e in done.effects] == [(e.fate, e.why, e.words) for e in seen.effects], (
            name
        )
        # What will happen leaves a trace, and nothing else does.
        assert (everything() != before) == seen.happens, name


def test_what_is_so_already_is_left_alone(case: Case, ana: User) -> None:
    case.set_priority("urgent", by=ana)
    case.set_tags(["refund"], by=ana)
    macro = make_macro("Again", [URGENT, TAG, EACH["mine"], {"do": "status", "status": "open"}])
    case.change_status("open", by=ana)
    before = everything()
    done = run(case, macro, ana)
    assert (fates(done), done.happens) == (["already"] * 4, False)
    assert everything() == before


def test_a_refused_action_stops_all_of_it_unless_it_is_left_out(case: Case, ana: User) -> None:
    macro = make_macro("Done", [NOTE, RESOLVED, TAG])
    with resolve_checks.registered(lambda _case, _user: "A promise is still open."):
        before = everything()
        with pytest.raises(macros.NotAll, match="A promise is still open"):
            run(case, macro, ana)
        assert everything() == before
        done = run(case, macro, ana, partly=True)
    case.refresh_from_db()
    assert (fates(done), case.status, case.tags) == (["will", "refused", "will"], "new", ["old", "refund"])


def test_a_reply_goes_without_the_status_that_is_refused(case: Case, ana: User) -> None:
    macro = make_macro("Done", [REPLY, RESOLVED])
    with resolve_checks.registered(lambda _case, _user: "A promise is still open."):
        assert fates(macros.preview(case, macro, by=ana)) == ["will", "refused"]
        run(case, macro, ana, partly=True)
    assert Message.objects.get().then_status == "waiting_customer"


def test_a_tag_that_was_renamed_is_taken_off_by_its_old_name(case: Case, ana: User) -> None:
    macro = make_macro("Off", [EACH["remove_tags"]])
    new = Tag.objects.create(name="new")
    Tag.objects.update_or_create(name="old", defaults={"becomes": new})
    Case.objects.filter(pk=case.pk).update(tags=["new"])
    run(case, macro, ana)
    case.refresh_from_db()
    assert case.tags == []


def test_a_field_that_is_asked_for_first_stops_it(case: Case, ana: User) -> None:
    CaseField.objects.create(name="Contract", key="contract", kind="text", required_for=["resolved"])
    for steps in ([RESOLVED, TAG], [REPLY, RESOLVED]):
        macro = make_macro("Done", steps)
        before = everything()
        with pytest.raises(macros.NotAll, match="Contract"):
            run(case, macro, ana)
        assert everything() == before


def test_a_status_that_comes_with_a_refused_reply_does_not_come(case: Case, ana: User) -> None:
    case.customer = None
    case.save()
    done = run(case, make_macro("Done", [RESOLVED, REPLY, TAG]), ana, partly=True)
    case.refresh_from_db()
    assert [effect.do for effect in done.effects] == ["reply", "status", "add_tags"]
    assert (fates(done), case.status) == (["refused", "refused", "will"], "new")


def test_a_role_does_by_macro_what_it_may_by_hand(case: Case, billing: Queue, eve: User, sue: User) -> None:
    billing.join(eve, mode="work")
    done = macros.preview(case, make_macro("All", [NOTE, TAG, URGENT, EACH["snooze"], EACH["nobody"]]), by=eve)
    assert fates(done) == ["will", "refused", "refused", "refused", "will"]
    assert {effect.why for effect in done.refused} == {"Your role here does not allow this."}
    gone = make_user("Gone Person", is_active=False)
    for steps in ([{"do": "assign", "to": gone.pk}], [{"do": "transfer", "queue": 10**9}]):
        assert fates(macros.preview(case, make_macro("No", steps), by=sue)) == ["refused"]


# --- nothing unfilled, nothing stale, nothing twice


def test_what_is_missing_is_refused_until_somebody_fills_it_in(case: Case, carl: Customer, ana: User) -> None:
    carl.name = "carl@example.org"
    carl.save()
    macro = make_macro("Hi", [REPLY, NOTE])
    before = everything()
    with pytest.raises(macros.NotAll, match=r"Fill in first: \{customer.first_name\}") as refused:
        run(case, macro, ana)
    assert refused.value.done.missing == ["customer.first_name"]
    assert not refused.value.done.is_refused_otherwise
    assert everything() == before
    run(case, macro, ana, filled={"customer.first_name": "{rep.name} Zoe", "nonsense": "x"}, partly=True)
    assert not Message.objects.filter(direction="outbound").exists()
    run(case, macro, ana, key="filled", filled={"customer.first_name": "Zoe", "nonsense": "x"})
    assert Message.objects.get(direction="outbound").text == "Hi Zoe."


def test_a_reply_never_goes_into_a_changed_conversation(case: Case, ana: User, lee: User) -> None:
    macro = make_macro("Hi", [TAG, REPLY])
    read = case.version
    conversation.add_note(case, by=ana, text="My own word does not count")
    conversation.add_note(case, by=lee, text="Stop, I rang her")
    before = everything()
    with pytest.raises(conversation.Stale) as stale:
        run(case, macro, ana, written_against=read)
    assert [message.text for message in stale.value.newer] == ["Stop, I rang her"]
    assert everything() == before
    run(case, macro, ana, written_against=read, anyway=True)
    assert Message.objects.get(direction="outbound").sent_anyway


def test_a_macro_that_was_changed_is_looked_at_again(case: Case, ana: User, sue: User) -> None:
    macro = make_macro("Hi", [NOTE])
    macro.publish(title="Hi", steps=[NOTE, URGENT], by=sue)
    with pytest.raises(macros.Changed):
        run(case, macro, ana, version=1)
    assert events(case) == []
    run(case, macro, ana, version=2)


def test_one_key_is_one_run(case: Case, ana: User, lee: User) -> None:
    macro = make_macro("Hi", [NOTE])
    first, again = run(case, macro, ana), run(case, macro, ana)
    assert (first.replayed, again.replayed, again.messages) == (False, True, first.messages)
    assert again.effects == first.effects
    with pytest.raises(commands.OtherCommand):
        run(case, make_macro("Other", [TAG]), ana)
    run(case, macro, lee)  # another person's key is another key
    assert Message.objects.count() == 2


def test_it_is_for_the_cases_of_its_queues(case: Case, technical: Queue, ana: User) -> None:
    theirs = make_macro("Theirs", [NOTE], queues=[technical])
    away = make_macro("Away", [NOTE], is_active=False)
    for macro in (theirs, away):
        with pytest.raises(Refusal, match="not for cases of Billing"):
            run(case, macro, ana)
    assert events(case) == []


# --- how they are written


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "at least one action"),
        ([NOTE] * 21, "at most 20"),
        ([{"do": "dance"}], "no action “dance”"),
        ([NOTE, NOTE], "Only one action may write a note"),
        ([{"do": "reply", "texts": {}}], "at least one language"),
        ([{"do": "reply", "texts": {"en": "Hi {customer.nmae}"}}], "no variable {customer.nmae}"),
        ([{**REPLY, "by_when": "in 2 h"}], "Say what will be done by then"),
        ([{**REPLY, "next_step": "x", "by_when": "soonish"}], "is no time"),
        ([REPLY, {"do": "status", "status": "spam"}], "Spam is not answered"),
        ([{"do": "note", "text": "  "}], "Write the note"),
        ([{"do": "add_tags", "tags": []}], "Name the tags"),
        ([{"do": "add_tags", "tags": "refund"}], "Name the tags"),
        ([{"do": "priority", "priority": "huge"}], "Choose a priority"),
        ([{"do": "status", "status": "merged"}], "Choose a status"),
        ([{"do": "assign", "to": "everybody"}], "Choose who gets it"),
        ([{"do": "assign", "to": True}], "Choose who gets it"),
        ([{"do": "transfer"}], "Choose the queue"),
        ([{"do": "snooze", "until": ""}], "is no time"),
        ([{"do": "promise", "what": "", "by_when": "in 2 h"}], "Say what is promised"),
    ],
)
def test_a_faulty_macro_is_refused_in_words(steps: list[dict[str, Any]], said: str) -> None:
    macro = Macro.objects.create()
    with pytest.raises(ValidationError) as faults:
        macro.publish(title="Hi", steps=steps)
    assert said in " ".join(faults.value.messages)
    assert macro.versions.count() == 0


def test_publishing_makes_a_version_and_keeps_the_old_one(sue: User) -> None:
    macro = make_macro("Hi", [NOTE])
    second = macro.publish(
        title="Hi", steps=[{**NOTE, "junk": 1, "tags": []}, {"do": "snooze", "until": "today 0:30"}], by=sue
    )
    assert (second.number, second.created_by, second.steps[0]) == (2, sue, NOTE)
    assert macro.publish(title=" Hi ", steps=second.steps) == second
