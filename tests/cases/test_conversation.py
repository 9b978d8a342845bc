"""Replies, notes and the customer's words, through the verbs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import conversation, outward, sending
from cases.channels import Failed
from cases.compose import compose
from cases.hooks import Outgoing
from cases.models import Case, Dispatch, Draft, Mention, Message, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import ContactPoint, Customer, Suppression
from tests.builders import make_case


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    billing.acknowledges = False  # what leaves here is what people wrote
    billing.save()
    case = make_case(billing, customer=carl, channel="web")
    point = ContactPoint.objects.get(customer=carl, kind="email")
    conversation.add_inbound(case, text="Charged twice.", sender=point, channel="web", at=timezone.now())
    return case


def later(seconds: float = 11):
    return timezone.now() + timedelta(seconds=seconds)


def kinds(case: Case) -> list[str]:
    return list(
        Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("kind", flat=True)
    )


def test_a_reply_is_held_then_counts_then_leaves_once(case: Case, ana: User, mailoutbox: list) -> None:
    message = conversation.reply(case, by=ana, text="Refunded.", written_against=case.version, is_answer=True)

    assert message.dispatch.state == "held"
    assert outward.release_due(timezone.now()) == 0
    assert outward.release_due(later()) == 1
    case.refresh_from_db()
    assert case.status == "waiting_customer"
    assert case.waiting_since is None
    outward.send_due(later())
    outward.send_due(later())
    message.dispatch.refresh_from_db()
    assert message.dispatch.state == "sent"
    assert [m.to for m in mailoutbox] == [["Carl Jensen <carl@example.org>"]]
    assert kinds(case)[-4:] == ["reply_written", "answer_released", "status_changed", "sent"]


def test_a_stale_reply_is_refused_and_shows_what_is_new(case: Case, ana: User, lee: User) -> None:
    seen = case.version
    conversation.add_note(case, by=lee, text="Already refunded on Monday.")

    with pytest.raises(conversation.Stale) as stale:
        conversation.reply(case, by=ana, text="Refunded.", written_against=seen)

    assert [m.text for m in stale.value.newer] == ["Already refunded on Monday."]
    assert not Dispatch.objects.exists()


def test_sending_anyway_is_recorded(case: Case, ana: User, lee: User) -> None:
    seen = case.version
    conversation.add_note(case, by=lee, text="Wait.")

    message = conversation.reply(case, by=ana, text="Refunded.", written_against=seen, anyway=True)

    assert message.sent_anyway
    assert Event.objects.get(kind="reply_written").data["anyway"] is True


def test_assignment_and_tags_after_it_do_not_refuse_a_reply(case: Case, ana: User, lee: User) -> None:
    seen = case.version
    case.assign(lee, by=lee)
    case.set_tags(["billing"], by=lee)

    conversation.reply(case, by=ana, text="Refunded.", written_against=seen)

    assert Dispatch.objects.count() == 1


def test_undo_leaves_a_draft_and_an_event_and_nothing_is_sent(case: Case, ana: User, mailoutbox: list) -> None:
    message = conversation.reply(case, by=ana, text="Oops.", written_against=case.version)

    conversation.take_back(message, by=ana)

    assert outward.release_due(later()) == 0
    outward.send_due(later())
    assert mailoutbox == []
    assert Draft.objects.get(author=ana, case=case).text == "Oops."
    assert kinds(case)[-1] == "taken_back"


def test_undo_after_release_is_refused(case: Case, ana: User) -> None:
    message = conversation.reply(case, by=ana, text="Gone.", written_against=case.version)
    outward.release_due(later())

    with pytest.raises(Refusal):
        conversation.take_back(message, by=ana)

    message.refresh_from_db()
    assert message.taken_back_at is None


def test_a_suppressed_address_refuses_the_reply_with_the_reason(case: Case, ana: User) -> None:
    Suppression.objects.create(kind="email", value="carl@example.org", reason="hard_bounce")

    with pytest.raises(Refusal, match="suppressed"):
        conversation.reply(case, by=ana, text="Hello?", written_against=case.version)

    assert not Message.objects.filter(direction="outbound").exists()


def test_an_address_suppressed_inside_the_window_stops_the_send(case: Case, ana: User, mailoutbox: list) -> None:
    message = conversation.reply(case, by=ana, text="Refunded.", written_against=case.version)
    Suppression.objects.create(kind="email", value="carl@example.org", reason="complaint")

    outward.release_due(later())
    outward.send_due(later())

    message.dispatch.refresh_from_db()
    assert (message.dispatch.state, message.dispatch.reason) == ("suppressed", "suppressed")
    assert mailoutbox == []
    case.refresh_from_db()
    assert case.status == "open"


def test_a_note_mentions_subscribes_and_has_no_dispatch(case: Case, ana: User, lee: User, ben: User) -> None:
    note = conversation.add_note(case, by=ana, text="@lee please look, @ben too")

    assert note.dispatch is None
    assert list(Mention.objects.values_list("user", flat=True)) == [lee.pk]
    assert case.watches.get().user == lee


def test_the_customers_word_wakes_and_reopens(case: Case, ana: User) -> None:
    case.snooze(timezone.now() + timedelta(days=1), by=ana)
    case.change_status("resolved", by=ana)
    point = ContactPoint.objects.get(customer=case.customer, kind="email")

    conversation.add_inbound(case, text="Not fixed.", sender=point, channel="web", at=timezone.now())

    case.refresh_from_db()
    assert (case.status, case.snoozed_until) == ("open", None)
    assert case.waiting_since is not None


def test_an_auto_reply_changes_no_status(case: Case, ana: User) -> None:
    case.change_status("resolved", by=ana)

    conversation.add_inbound(case, text="Out of office", sender=None, channel="web", at=timezone.now(), is_auto=True)

    case.refresh_from_db()
    assert case.status == "resolved"


class Broken:
    kind = "broken"
    honours_key = False

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.sent = error, []

    def send(self, outgoing: Outgoing, channel: object) -> str:
        self.sent.append(outgoing.key)
        if self.error:
            raise self.error
        return "id-1"


def test_a_failed_send_shows_its_cause_and_retry_really_retries(
    case: Case, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = Broken(Failed("550 no such mailbox", reason="no_such_mailbox"))
    monkeypatch.setattr(sending, "adapter_for", lambda channel: adapter)
    message = conversation.reply(case, by=ana, text="Refunded.", written_against=case.version)
    outward.release_due(later())
    outward.send_due(later())
    message.dispatch.refresh_from_db()
    assert (message.dispatch.state, message.dispatch.reason) == ("failed", "no_such_mailbox")
    case.refresh_from_db()
    assert (case.status, case.send_state) == ("open", "failed")

    adapter.error = None
    conversation.retry(message, by=ana)
    outward.send_due(later())

    message.dispatch.refresh_from_db()
    assert message.dispatch.state == "sent"
    assert adapter.sent == [str(message.dispatch.key)] * 2


@pytest.mark.parametrize(("honours", "state"), [(True, "sent"), (False, "unknown")])
def test_a_send_whose_sender_died_is_repeated_only_under_an_honoured_key(
    case: Case, ana: User, monkeypatch: pytest.MonkeyPatch, honours: bool, state: str
) -> None:
    adapter = Broken()
    adapter.honours_key = honours
    monkeypatch.setattr(sending, "adapter_for", lambda channel: adapter)
    message = conversation.reply(case, by=ana, text="Refunded.", written_against=case.version)
    outward.release_due(later())
    gone = timezone.now() - timedelta(seconds=1)
    Dispatch.objects.update(state="claimed", attempts=1, begun_at=gone, lease_until=gone)

    outward.send_due(later())

    message.dispatch.refresh_from_db()
    assert message.dispatch.state == state


def test_history_brought_in_sends_nothing_and_counts_at_its_time(case: Case, ana: User) -> None:
    then = timezone.now() - timedelta(days=30)

    message = conversation.reply(
        case, by=ana, text="Sent last month.", written_against=0, is_answer=True, at=then, via="import"
    )

    assert message.released_at == then
    assert not Dispatch.objects.exists()


def test_the_customer_reads_the_next_step_and_its_time_by_their_own_clock(case: Case, ana: User) -> None:
    Customer.objects.filter(pk=case.customer_id).update(tz="Europe/Berlin")
    due = timezone.make_aware(timezone.datetime(2031, 7, 1, 15, 0), timezone.get_fixed_timezone(0))
    message = conversation.reply(
        case, by=ana, text="Done.", written_against=case.version, next_step="Bank confirms", by_when=due
    )

    sent = compose(Dispatch.objects.get(pk=message.dispatch_id))

    said, _line, link = sent.text.rpartition("\n\n")
    assert said == "Done.\n\nNext step: Bank confirms, by Tuesday 1 July 2031, 17:00 (CEST)."
    assert link == f"How it stands, and to add something: {sent.status_url}"
