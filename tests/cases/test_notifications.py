"""Who is told of what, once; what is over goes by itself; who may not see a case is told nothing of it."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from cases import conversation, merging, news, notifying, promises, watching
from cases.models import Case, Notification, NotificationSettings, Queue, QueueMembership, Watch
from cases.models.reasons import Reason, usual
from cases.models.refusals import Refusal
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.told import told, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl, channel="mail", status="open")


def wrote(case: Case, text: str = "Well?") -> None:
    conversation.add_inbound(case, text=text, sender=None, channel="mail", at=timezone.now())


# --- who hears, and why


def test_the_owner_hears_of_the_customer_and_nobody_else_does(case: Case, ana: User, lee: User) -> None:
    case.claim(by=ana)
    wrote(case)
    assert told(ana) == [("customer_wrote", "message_received")]
    assert told(lee) == []


def test_what_one_does_oneself_tells_one_nothing(case: Case, ana: User, lee: User) -> None:
    case.claim(by=ana)
    watching.follow(case, by=ana)
    conversation.add_note(case, by=ana, text="@ana and @lee: look")
    case.resolve(by=ana)
    assert told(ana) == []
    assert told(lee) == [("mention", "note_added"), ("following", "resolved")]


def test_being_given_a_case_and_losing_it_are_told(case: Case, ana: User, lee: User, sue: User) -> None:
    case.assign(ana, by=sue)
    case.assign(lee, by=sue)
    assert told(ana) == [("assigned", "assigned"), ("taken", "assigned")]
    assert waiting(ana) == ["taken"], "what was given and is gone is over"
    assert told(lee) == [("assigned", "assigned")]


def test_one_event_tells_one_person_once_for_the_strongest_reason(case: Case, ana: User, lee: User) -> None:
    case.claim(by=ana)
    watching.follow(case, by=ana)
    conversation.add_note(case, by=lee, text="@ana look")
    assert told(ana) == [("mention", "note_added")]


def test_a_follower_hears_what_is_said_and_whose_it_becomes(case: Case, ana: User, lee: User) -> None:
    watching.follow(case, by=lee)
    watching.follow(case, by=lee)
    case.claim(by=ana)
    wrote(case)
    assert Event.objects.filter(kind="followed").count() == 1
    assert told(lee) == [("following", "claimed"), ("following", "message_received")]
    watching.unfollow(case, by=lee)
    wrote(case)
    assert len(told(lee)) == 2


def test_a_case_nobody_follows_or_has_asks_for_nobody(
    billing: Queue, carl: Customer, django_assert_max_num_queries: Any
) -> None:
    from cases.models import hearing

    case = make_case(billing, customer=carl)
    wrote(case)
    event = Event.objects.filter(kind="message_received").get()
    assert event.version == 1
    with django_assert_max_num_queries(0):
        hearing.tell(case, event)


def test_promises_tell_whose_they_are_and_what_is_kept_is_over(case: Case, ana: User, sue: User) -> None:
    now = timezone.now()
    mine = promises.make(
        case, what="Call", due_at=now + timedelta(hours=1), owner=ana, made_by=None, at=now - timedelta(hours=3)
    )
    promises.warn_due(now + timedelta(minutes=50))
    assert waiting(ana) == ["promise_soon"]
    promises.keep(mine, message=None, by=sue, at=now + timedelta(minutes=55))
    assert waiting(ana) == []
    assert told(ana) == [("promise_soon", "promise_due_soon")]


def test_a_broken_promise_takes_the_place_of_its_warning(case: Case, ana: User) -> None:
    now = timezone.now()
    promises.make(case, what="Call", due_at=now + timedelta(hours=1), owner=ana, made_by=None, at=now)
    promises.warn_due(now + timedelta(minutes=50))
    promises.break_due(now + timedelta(minutes=61))
    promises.break_due(now + timedelta(minutes=62))
    assert waiting(ana) == ["promise_broken"]


def test_an_answer_by_anybody_ends_what_the_customers_word_asked(case: Case, ana: User, lee: User) -> None:
    from cases import outward

    case.claim(by=ana)
    wrote(case)
    conversation.reply(case, by=lee, text="Done.", written_against=Case.objects.get(pk=case.pk).version, is_answer=True)
    assert waiting(ana) == ["customer_wrote"], "it may still be undone"
    outward.release_due(timezone.now() + timedelta(minutes=1))
    assert waiting(ana) == []


def test_the_door_tells_those_who_may_see_it_once_and_says_when_nobody_may(
    case: Case, ana: User, ben: User, lee: User
) -> None:
    case.lock()
    assert notifying.notify(case, [ana.pk, ben.pk], "reminder", at=timezone.now()) == [ana.pk]
    assert told(ana) == [("reminder", "notified")]
    notifying.notify(case, [lee.pk], "big_customer", at=timezone.now(), via="rule")
    assert told(lee) == [("told", "notified")]
    with pytest.raises(Refusal):
        notifying.notify(case, [ben.pk], "reminder", at=timezone.now())
    assert told(ben) == []


def test_a_task_that_is_done_reminds_nobody_any_more(case: Case, ana: User, lee: User) -> None:
    case.lock()
    for task in (7, 8):
        notifying.notify(case, [ana.pk], "reminder", at=timezone.now(), task=task)
    case.record("task_done", by=lee, task=7)
    assert waiting(ana) == ["reminder"]
    case.record("task_dropped", by=lee, task=8)
    assert waiting(ana) == []


def test_the_same_clock_tells_the_same_person_once(case: Case, ana: User, sue: User) -> None:
    case.claim(by=ana)
    case.record("sla_breached", by=None, via="clock", clock=7, target="first_response")
    notifying.notify(case, [ana.pk, sue.pk], "sla_breached", at=timezone.now(), clock=7)
    assert told(ana) == [("sla_breached", "sla_breached")]
    assert told(sue) == [("sla_breached", "notified")]


def test_history_tells_nobody(case: Case, ana: User) -> None:
    case.claim(by=ana)
    case.record("message_received", by=None, via="import")
    assert told(ana) == []


# --- who may see


def test_who_may_no_longer_see_the_case_is_shown_nothing_of_it(case: Case, ana: User, billing: Queue) -> None:
    case.claim(by=ana)
    wrote(case)
    assert news.count(ana) == 1
    QueueMembership.objects.filter(user=ana).delete()
    assert news.count(ana) == 0
    assert news.inbox(ana, timezone.now()).groups == []
    QueueMembership.objects.create(user=ana, queue=billing, role="rep")
    assert news.count(ana) == 1


def test_an_executive_is_shown_what_they_sit_with(case: Case, eve: User, lee: User, billing: Queue) -> None:
    billing.join(eve, mode="work")
    watching.follow(case, by=eve)
    conversation.add_note(case, by=lee, text="A note")
    assert news.count(eve) == 1
    billing.leave(eve)
    assert news.count(eve) == 0


# --- what a person does with it


def test_reading_snoozing_muting(case: Case, ana: User, lee: User) -> None:
    now = timezone.now()
    case.claim(by=ana)
    wrote(case)
    news.snooze(ana, case, now + timedelta(hours=1))
    assert news.count(ana, now) == 0
    assert news.count(ana, now + timedelta(hours=2)) == 1
    wrote(case, "Hello?")
    assert news.count(ana, now) == 1, "something new is not put off with the old"
    news.read(ana, at=now, case=case)
    assert news.count(ana, now + timedelta(hours=2)) == 0
    news.unread(ana, case)
    assert news.count(ana, now) == 1
    watching.mute(case, by=ana)
    wrote(case, "Hello??")
    conversation.add_note(case, by=lee, text="@ana please")
    assert told(ana)[-1] == ("mention", "note_added")
    assert [kind for _reason, kind in told(ana)].count("message_received") == 2


def test_the_view_of_mentions_agrees_with_the_panel(case: Case, ana: User, lee: User) -> None:
    from cases import lists

    def named() -> int:
        return lists.counts(case.queue, ana, at=timezone.now())["mentions"]

    conversation.add_note(case, by=lee, text="@ana look")
    assert named() == news.count(ana) == 1
    news.read(ana, at=timezone.now())
    assert named() == news.count(ana) == 0
    news.unread(ana, case)
    assert named() == news.count(ana) == 1


def test_who_turned_a_reason_off_is_not_told(case: Case, ana: User) -> None:
    NotificationSettings.objects.create(user=ana).choose(
        {"customer_wrote": ["push", "mail"], "mention": usual("mention")}
    )
    wants = NotificationSettings.objects.get(user=ana)
    assert wants.ways == {"customer_wrote": ["push", "mail"]}, "only what differs is kept"
    case.claim(by=ana)
    wrote(case)
    assert told(ana) == [], "without the console there is no way"


def test_many_things_on_one_case_are_one_entry_and_what_needs_me_is_first(billing: Queue, ana: User, lee: User) -> None:
    quiet, pressing = make_case(billing, "Quiet"), make_case(billing, "Pressing")
    pressing.claim(by=ana)
    wrote(pressing)
    watching.follow(quiet, by=ana)
    for n in range(9):
        conversation.add_note(quiet, by=lee, text=f"Note {n}")
    box = news.inbox(ana, timezone.now())
    assert [(g.case.subject, g.count, g.needs_me) for g in box.groups] == [("Pressing", 1, True), ("Quiet", 9, False)]
    assert (box.cases, box.things) == (2, 10)
    assert len(box.groups[1].lines) == news.LINES
    assert box.groups[1].lines[0].what == "Lee Hart wrote a note"
    assert box.groups[1].lines[0].why == "you follow it"


@pytest.mark.parametrize("size", [1, 30])
def test_a_panel_costs_the_same_however_full(
    billing: Queue, ana: User, lee: User, size: int, django_assert_max_num_queries: Any
) -> None:
    for n in range(size):
        case = make_case(billing, f"Case {n}")
        case.assign(ana, by=lee)
        conversation.add_note(case, by=lee, text="@ana look")
    with django_assert_max_num_queries(10):
        box = news.inbox(ana, timezone.now())
        assert [g.count for g in box.groups] == [2] * size


def test_what_was_dealt_with_is_forgotten_in_time(case: Case, ana: User, lee: User) -> None:
    now = timezone.now()
    case.claim(by=ana)
    wrote(case)
    news.read(ana, at=now, case=case)
    wrote(case)
    assert news.forget(now + timedelta(days=29)) == 0
    assert news.forget(now + timedelta(days=31)) == 1
    assert waiting(ana) == ["customer_wrote"]
    assert news.forget(now + timedelta(days=121)) == 1


# --- merged, split


def test_what_is_new_goes_with_a_merge_and_comes_back_with_its_undo(
    billing: Queue, carl: Customer, ana: User, sue: User
) -> None:
    gone, kept = (make_case(billing, customer=carl, status="open", channel="mail") for _n in range(2))
    kept.claim(by=sue)
    conversation.add_note(gone, by=sue, text="@ana look")
    done = merging.merge(gone, kept, by=sue)
    assert [row.case_id for row in Notification.objects.filter(user=ana, reason="mention")] == [kept.pk]
    assert ("following", "took_in") in told(ana), "who followed the one follows the other"
    merging.undo(done, by=sue)
    assert [row.case_id for row in Notification.objects.filter(user=ana, reason="mention")] == [gone.pk]


# --- properties


def test_every_reason_says_why_and_has_its_ways() -> None:
    from cases.news_words import WHY

    assert set(WHY) == set(Reason)
    assert all("panel" in usual(reason) for reason in Reason)


STEPS = [
    "customer",
    "note",
    "name_ana",
    "name_lee",
    "follow",
    "unfollow",
    "claim",
    "release",
    "assign",
    "read",
    "resolve",
    "reopen",
]


@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_told_twice_or_of_their_own_and_the_bell_counts_its_list(
    seed: int, billing: Queue, carl: Customer, ana: User, lee: User, sue: User
) -> None:
    case = make_case(billing, customer=carl, status="open", channel="mail")
    people = {"ana": ana, "lee": lee, "sue": sue}
    dice = Random(seed)
    for _n in range(10):
        step, who = dice.choice(STEPS), dice.choice(list(people))
        try:
            _do(step, case, people[who], lee)
        except Refusal:
            continue
    for user in people.values():
        rows = Notification.objects.filter(user=user, case=case).select_related("event")
        assert len({row.event_id for row in rows}) == len(rows)
        assert all(row.event.actor_id != user.pk for row in rows)
        box = news.inbox(user, timezone.now())
        assert news.count(user) == box.cases == len(box.groups)
        assert {g.count for g in box.groups if g.case == case} == {len(waiting_in(user, case))} - {0}
    assert Watch.objects.filter(case=case).count() <= len(people)


def waiting_in(user: User, case: Case) -> list[Notification]:
    return list(Notification.objects.filter(user=user, case=case).unread())


def _do(step: str, case: Case, by: User, lee: User) -> None:
    does: dict[str, Any] = {
        "customer": lambda: wrote(case),
        "note": lambda: conversation.add_note(case, by=by, text="A note"),
        "name_ana": lambda: conversation.add_note(case, by=by, text="@ana look"),
        "name_lee": lambda: conversation.add_note(case, by=by, text="@lee look"),
        "follow": lambda: watching.follow(case, by=by),
        "unfollow": lambda: watching.unfollow(case, by=by),
        "claim": lambda: case.claim(by=by),
        "release": lambda: case.release(by=by),
        "assign": lambda: case.assign(lee, by=by),
        "read": lambda: news.read(by, at=timezone.now(), case=case),
        "resolve": lambda: case.resolve(by=by),
        "reopen": lambda: case.reopen(by=by),
    }
    does[step]()
