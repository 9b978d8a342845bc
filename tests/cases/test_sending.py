"""The sending loop: batches claimed by lease, asked about again in the moment they leave, and told apart when it dies."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from cases import outward, permission, sending
from cases.channels import Later, Unknown
from cases.hooks import Outgoing, Verdict, composers, may_leave
from cases.models import Dispatch
from customers import consent
from customers.models import ContactPoint, Customer, Suppression
from tests.builders import make_customer
from tests.mailserver import DROP, mail_server

pytestmark = pytest.mark.django_db
SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Sink:
    """A way out that remembers what went through it, and can do something before each."""

    kind, honours_key = "mail", False

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.before = lambda outgoing: None

    def send(self, outgoing: Outgoing, channel: object) -> str:
        self.before(outgoing)
        self.sent.append(outgoing.to)
        return f"<{outgoing.key}@x>"


def letter(dispatch: Dispatch) -> Outgoing | None:
    if dispatch.source != "letter":
        return None
    return Outgoing(
        key=str(dispatch.key), to=dispatch.address, to_name="", subject="News", text="Hi", language="en", thread=""
    )


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    sink = Sink()
    monkeypatch.setattr(sending, "adapter_for", lambda _way: sink)
    with composers.registered(letter):
        yield sink


def post(n: int, message_class: str = "notice", customer: Customer | None = None) -> Dispatch:
    customer = customer or make_customer(f"Nr {n}", email=f"nr{n}@example.org")
    point = customer.contact_points.get()
    return outward.dispatch(
        customer=customer,
        contact_point=point,
        channel="mail",
        address=point.value,
        message_class=message_class,
        source="letter",
        source_id=n,
        release_at=timezone.now(),
    )


def states() -> list[str]:
    return list(Dispatch.objects.order_by("pk").values_list("state", flat=True))


def send() -> int:
    now = timezone.now()
    return outward.send_due(now) + sending._side_by_side([("mail", True)], now)


def test_answers_leave_without_waiting_for_what_goes_to_many(sink: Sink) -> None:
    for n in range(3):
        post(n)
    post(9, "acknowledgement")
    outward.send_due(timezone.now())
    assert sink.sent == ["nr9@example.org"]
    assert states() == ["held"] * 3 + ["sent"]
    send()
    assert states() == ["sent"] * 4


def test_a_word_said_after_planning_counts_in_the_claim(sink: Sink) -> None:
    told, withdrew, bounced, erased, unasked = (post(n) for n in range(5))
    consent.withdraw(withdrew.customer, ["service"], source="rep")
    Suppression.objects.create(kind="email", value=bounced.address, reason="bounced")
    Customer.objects.filter(pk=erased.customer_id).update(erased_at=timezone.now())
    consent.withdraw(unasked.customer, ["marketing"], source="rep")
    send()
    assert sink.sent == [told.address, unasked.address]
    reasons = list(Dispatch.objects.order_by("pk").values_list("reason", flat=True))
    assert reasons == ["", "consent_withdrawn", "suppressed", "erased", ""]


def test_a_suppression_for_one_purpose_stops_that_purpose_alone(sink: Sink) -> None:
    customer = make_customer(email="both@example.org")
    consent.record(customer, "marketing", "mail", True, source="rep")
    post(1, "marketing", customer)
    post(2, "notice", customer)
    Suppression.objects.create(kind="email", value="both@example.org", purpose="marketing", reason="unsubscribe")
    send()
    assert states() == ["suppressed", "sent"]


def test_the_question_about_a_batch_costs_the_same_however_big(sink: Sink, django_assert_num_queries: object) -> None:
    rows = [post(n) for n in range(30)]
    found = list(Dispatch.objects.filter(pk__in=[r.pk for r in rows]).select_related("customer", "contact_point"))
    with django_assert_num_queries(2):  # type: ignore[operator]
        verdicts = permission.judge(found, timezone.now())
    assert all(v.allowed for v in verdicts.values())


def test_who_has_a_say_may_refuse_or_put_off(sink: Sink) -> None:
    refused, later, goes = (post(n) for n in range(3))
    until = timezone.now() + timedelta(hours=9)

    def said(dispatches, now):  # type: ignore[no-untyped-def]
        return {refused.pk: Verdict(False, "stopped"), later.pk: Verdict(False, "quiet_hours", until=until)}

    with may_leave.registered(said):
        send()
    assert sink.sent == [goes.address]
    assert states() == ["suppressed", "held", "sent"]
    later.refresh_from_db()
    assert (later.release_at, later.reason, later.attempts) == (until, "quiet_hours", 0)


def test_who_has_a_say_and_cannot_answer_holds_back_what_goes_to_many_and_no_answer(sink: Sink) -> None:
    post(1)
    post(2, "acknowledgement")

    def broken(dispatches, now):  # type: ignore[no-untyped-def]
        raise RuntimeError("no idea")

    with may_leave.registered(broken):
        send()
    assert states() == ["held", "sent"]
    assert Dispatch.objects.get(source_id=1).reason == "undecided"


def test_what_was_claimed_and_not_begun_goes_back_into_the_line(sink: Sink) -> None:
    begun, waiting = post(1), post(2)
    past = timezone.now() - timedelta(seconds=1)
    Dispatch.objects.update(state="claimed", attempts=1, lease_until=past)
    Dispatch.objects.filter(pk=begun.pk).update(begun_at=past)
    sending.settle_broken_leases(timezone.now())
    assert states() == ["unknown", "held"]
    waiting.refresh_from_db()
    assert waiting.attempts == 0
    send()
    assert sink.sent == [waiting.address]


def test_the_rest_of_a_slow_batch_is_asked_about_again(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FRESH", 0.0)
    first, second = post(1), post(2)

    def stop(outgoing: Outgoing) -> None:
        Suppression.objects.get_or_create(kind="email", value=second.address, reason="complaint")

    sink.before = stop
    send()
    assert sink.sent == [first.address]
    assert states() == ["sent", "suppressed"]


def test_a_slow_way_out_takes_no_more_than_it_can_use(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FRESH", 0.0)
    for n in range(7):
        post(n)
    held: list[int] = []
    sink.before = lambda outgoing: held.append(Dispatch.objects.filter(state="claimed").count())
    send()
    assert held == [7, 2, 2, 2, 2, 2, 1]
    assert states() == ["sent"] * 7


def test_outcomes_of_a_batch_are_each_their_own(sink: Sink) -> None:
    rows = [post(n) for n in range(4)]
    errors = {
        rows[1].address: Unknown("silence", reason="no_answer"),
        rows[2].address: Later("busy", reason="smtp_450"),
    }

    def fail(outgoing: Outgoing) -> None:
        if outgoing.to in errors:
            raise errors[outgoing.to]

    sink.before = fail
    send()
    assert states() == ["sent", "unknown", "held", "sent"]
    put_off = Dispatch.objects.get(pk=rows[2].pk)
    assert (put_off.attempts, put_off.reason) == (1, "smtp_450")
    assert put_off.release_at > timezone.now()
    Dispatch.objects.update(release_at=timezone.now() - timedelta(seconds=1))
    errors.clear()
    send()
    assert states() == ["sent", "unknown", "sent", "sent"], "what may have arrived is never sent again by itself"


def test_a_message_that_another_settled_meanwhile_is_not_sent(sink: Sink) -> None:
    first, second = post(1), post(2)
    sink.before = lambda outgoing: Dispatch.objects.filter(pk=second.pk).update(state="unknown")
    send()
    assert sink.sent == [first.address]
    assert states() == ["sent", "unknown"]


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize("message_class", ["notice", "answer"])
def test_who_was_only_slow_says_what_became_of_it_after_all(sink: Sink, message_class: str, many: int) -> None:
    """A mail server that takes minutes over one mail outlasts the lease of who waits for it."""
    slow, *_others = [post(n, message_class) for n in range(many)]
    seen: list[str] = []

    def give_up(outgoing: Outgoing) -> None:
        if outgoing.to == slow.address:
            sending.settle_broken_leases(timezone.now() + sending.LEASE * 2)
            seen.extend(states())

    sink.before = give_up
    send()
    assert seen == ["unknown", *["held"] * (many - 1)]
    sink.before = lambda outgoing: None
    send()
    assert states() == ["sent"] * many
    assert sorted(sink.sent) == sorted(Dispatch.objects.values_list("address", flat=True)), "each once"
    assert set(Dispatch.objects.values_list("reason", flat=True)) == {""}


def test_who_was_taken_for_dead_before_a_word_was_said_puts_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has just begun may be slow over its first mail; nothing of that one left, and it knows."""
    row, lapses = post(1), iter([sending.LEASE * 2])
    compose = sending.compose

    def slowly(dispatch: Dispatch) -> Outgoing:
        sending.settle_broken_leases(timezone.now() + next(lapses, timedelta()))
        return compose(dispatch)

    monkeypatch.setattr(sending, "compose", slowly)
    with mail_server() as server, override_settings(EMAIL_BACKEND=SMTP, EMAIL_PORT=server.port):
        with composers.registered(letter):
            send()
            row.refresh_from_db()
            assert (row.state, row.reason, row.begun_at, server.got) == ("held", "slow", None, [])
            Dispatch.objects.update(release_at=timezone.now())
            send()
        assert states() == ["sent"]
        assert len(server.got) == 1


def test_a_late_word_does_not_count_for_a_try_that_followed(sink: Sink) -> None:
    row = post(1)

    def give_up(outgoing: Outgoing) -> None:
        sending.settle_broken_leases(timezone.now() + sending.LEASE * 2)
        outward.again(row, timezone.now() + timedelta(hours=1))  # a person's word

    sink.before = give_up
    send()
    assert states() == ["held"], "it goes once more, because a person said so"


# --- over one line to the mail server


def test_a_run_of_mails_goes_over_one_line() -> None:
    with mail_server() as server, override_settings(EMAIL_BACKEND=SMTP, EMAIL_PORT=server.port):
        with composers.registered(letter):
            for n in range(5):
                post(n)
            send()
        assert states() == ["sent"] * 5
        assert [verb.split()[0].lower() for verb in server.talk].count("ehlo") == 1
        assert server.talk[-1].lower() == "quit"
        assert [m["List-Unsubscribe-Post"] for m in server.mails] == ["List-Unsubscribe=One-Click"] * 5


def test_a_line_the_server_ended_between_two_mails_is_opened_again() -> None:
    with mail_server() as server, override_settings(EMAIL_BACKEND=SMTP, EMAIL_PORT=server.port):
        with composers.registered(letter):
            post(1)
            post(2)
            server.once["mail"] = (2, "421 too busy")
            send()
        assert states() == ["sent", "sent"]
        assert len(server.got) == 2


def test_a_mail_broken_off_in_its_text_is_unknown_and_the_next_goes_on_a_new_line() -> None:
    with mail_server() as server, override_settings(EMAIL_BACKEND=SMTP, EMAIL_PORT=server.port):
        with composers.registered(letter):
            for n in range(3):
                post(n)
            server.once["end"] = (2, DROP)
            send()
        assert states() == ["sent", "unknown", "sent"]


def test_answers_and_mail_to_nobody_we_know_carry_no_way_out(sink: Sink) -> None:
    from cases.compose import compose

    with composers.registered(letter):
        assert "List-Unsubscribe" in compose(post(1)).headers
        assert "List-Unsubscribe" not in compose(post(2, "acknowledgement")).headers
    assert ContactPoint.objects.count() == 2
