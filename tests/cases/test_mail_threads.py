"""Which case a mail joins: only by what we sealed, and only for who takes part (docs/mail.md). Everything else that
people and attackers write leads to a case of its own, with a hint beside it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import hooks
from cases.mail import ids
from cases.models import Case, CaseLink, Dispatch, Message, Queue
from cases.outward import dispatch
from crm.models import Event, User
from customers.merging import merge
from customers.models import Customer
from tests.builders import make_customer
from tests.mails import answer_to, answered, arrived, letter, taken

pytestmark = pytest.mark.django_db

STRANGER = "Eve Adams <eve@example.net>"


@pytest.fixture
def case(billing: Queue) -> Case:
    """Mia's, opened by her mail."""
    return taken(letter(message_id="<first@mail.example.org>"), queue=billing).case


@pytest.fixture
def sent(case: Case, ana: User) -> Dispatch:
    """Our answer to her."""
    return answered(case, ana)


def links(case: Case) -> list[tuple[str, int]]:
    return [(link.kind, link.other.number) for link in CaseLink.objects.filter(case=case)]


def apart(said: Message, case: Case) -> bool:
    """It has a case of its own; nothing of it, and nobody, got into the other."""
    assert said.case != case
    assert said.case.messages.get() == said
    assert case.messages.filter(direction="inbound").count() == 1
    before = Event.objects.filter(stream="case", stream_id=case.pk, kind="message_received").count()
    assert before == 1
    assert not Dispatch.objects.filter(address="eve@example.net", message_class="answer").exists()
    return True


# --- in


def test_an_answer_to_our_message_id_joins_and_wakes_the_case(case: Case, sent: Dispatch) -> None:
    said = taken(answer_to(sent))

    assert said.case == case
    case.refresh_from_db()
    assert case.status == "open"
    assert case.waiting_since is not None
    assert Case.objects.count() == 1


@pytest.mark.parametrize("header", ["to", "cc", "delivered_to", "x_original_to", "envelope_to"])
def test_an_answer_to_our_signed_address_joins_wherever_it_stands(case: Case, sent: Dispatch, header: str) -> None:
    address = ids.reply_address(sent).upper()

    said = taken(letter(**{"to": "Somebody <x@example.org>", header: f"Help <{address}>"}))

    assert said.case == case


def test_any_of_the_messages_it_refers_to_will_do(case: Case, sent: Dispatch) -> None:
    said = taken(letter(references=f"<a@x> {ids.message_id(sent)} <b@x>", in_reply_to="<b@x>"))

    assert said.case == case


def test_the_customers_other_addresses_take_part(case: Case, sent: Dispatch) -> None:
    case.customer.contact_points.create(kind="email", value="mia@work.example")

    assert taken(answer_to(sent, sender="Mia <mia@work.example>")).case == case


def test_who_was_merged_into_one_customer_takes_part(case: Case, sent: Dispatch) -> None:
    kept = make_customer("Mia W.", email="mia.w@example.org")
    merge(kept, case.customer, by=None)

    assert taken(answer_to(sent)).case == case
    assert taken(answer_to(sent, sender="mia.w@example.org")).case == case


def test_who_wrote_in_the_case_before_takes_part(case: Case, sent: Dispatch, billing: Queue) -> None:
    other = make_customer("Tom", email="tom@example.net")
    Message.objects.create(case=case, direction="inbound", text="Me too", sender=other.contact_points.get())

    assert taken(answer_to(sent, sender="tom@example.net")).case == case


def test_an_answer_proves_the_address_it_was_sent_to(case: Case, sent: Dispatch) -> None:
    point = case.customer.contact_points.get()
    now = timezone.now()
    taken(letter(to=ids.reply_address(sent)))
    point.refresh_from_db()
    assert point.verified_at is None, "whoever was in copy knows that address too"

    taken(answer_to(sent), now=now)

    point.refresh_from_db()
    assert point.verified_at == now


# --- not in


def test_a_strangers_answer_is_a_new_case_that_may_follow(case: Case, sent: Dispatch) -> None:
    said = taken(answer_to(sent, sender=STRANGER))

    assert apart(said, case)
    assert links(said.case) == [("possible_follow_up", case.number)]
    case.refresh_from_db()
    assert case.status == "waiting_customer"


def test_a_strangers_mail_to_the_signed_address_is_a_new_case_that_may_follow(case: Case, sent: Dispatch) -> None:
    said = taken(letter(to=ids.reply_address(sent), sender=STRANGER))

    assert apart(said, case)
    assert links(said.case) == [("possible_follow_up", case.number)]


def test_a_number_in_the_subject_is_a_suggestion_whoever_writes_it(case: Case, sent: Dispatch) -> None:
    theirs = taken(letter(subject=f"Re: Router [#{case.number}]", sender=STRANGER))
    hers = taken(letter(subject=f"Re: Router [#{case.number}]"))

    assert apart(theirs, case)
    assert links(theirs.case) == links(hers.case) == [("suggested", case.number)]
    assert hers.case not in {case, theirs.case}


def changed(text: str, at: int) -> str:
    return text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :]


def test_a_guessed_seal_leads_nowhere(case: Case, sent: Dispatch) -> None:
    address, message_id = ids.reply_address(sent), ids.message_id(sent)
    wrong_address = changed(address, address.index("@") - 1)
    other_number = address.replace(f"c{case.number}", f"c{case.number + 1}")
    wrong_id = changed(message_id, message_id.index("@") - 1)

    for fields in ({"to": wrong_address}, {"to": other_number}, {"in_reply_to": wrong_id, "references": wrong_id}):
        said = taken(letter(**fields))
        assert apart(said, case)
        assert links(said.case) == []


def test_a_message_id_without_its_seal_leads_nowhere(case: Case, sent: Dispatch) -> None:
    bare = f"<{sent.key}@brightwave.example>"

    assert apart(taken(letter(in_reply_to=bare)), case)


def test_an_answer_to_the_customers_own_mail_may_follow(case: Case) -> None:
    """Somebody in copy answers all, or she writes again before we did."""
    theirs = taken(letter(in_reply_to="<first@mail.example.org>", sender=STRANGER))
    hers = taken(letter(in_reply_to="<first@mail.example.org>"))

    assert apart(theirs, case)
    assert links(theirs.case) == links(hers.case) == [("possible_follow_up", case.number)]


def test_who_is_in_copy_does_not_come_to_take_part(case: Case, sent: Dispatch) -> None:
    many = ", ".join(["eve@example.net", *(f"person{n}@example.net" for n in range(40))])
    taken(answer_to(sent, cc=many))

    said = taken(answer_to(sent, sender=STRANGER))

    assert said.case != case
    assert Customer.objects.count() == 2
    assert not Dispatch.objects.exclude(address="mia@example.org").filter(message_class="answer").exists()


@pytest.mark.parametrize(
    "sender",
    [
        "mia@example.org, eve@example.net",
        "Mia <mia@example.org> <eve@example.net>",
        "mia@example.org\r\nFrom: eve@example.net",
    ],
)
def test_an_unsure_sender_joins_nothing(case: Case, sent: Dispatch, sender: str) -> None:
    said = taken(answer_to(sent, sender=sender))

    assert apart(said, case)
    assert said.case.customer is None
    assert links(said.case) == [("possible_follow_up", case.number)]


def test_reply_to_is_nobodys_identity(case: Case, sent: Dispatch) -> None:
    assert apart(taken(answer_to(sent, sender=STRANGER, reply_to="mia@example.org")), case)


def test_a_forged_sender_of_ours_joins_nothing(case: Case, sent: Dispatch, ana: User) -> None:
    ana.email = "ana@brightwave.example"
    ana.save()

    for sender in ("Ana <ana@brightwave.example>", "Brightwave <help@brightwave.example>"):
        assert apart(taken(answer_to(sent, sender=sender)), case)


def test_an_address_that_moved_on_takes_part_no_longer(case: Case, sent: Dispatch) -> None:
    """Its new owner has nothing to do with what its old one wrote."""
    case.customer.contact_points.update(ended_at=timezone.now())
    other = make_customer("Somebody else", email="mia@example.org")

    said = taken(answer_to(sent))

    assert apart(said, case)
    assert said.case.customer == other


# --- where a case lives on


def test_a_merged_case_lives_on_in_another(case: Case, sent: Dispatch, billing: Queue) -> None:
    kept = taken(letter(), queue=billing).case
    Case.objects.filter(pk=case.pk).update(status="merged", merged_into=kept)

    assert taken(answer_to(sent)).case == kept


def close(case: Case, by: User, *, days: int = 1) -> None:
    case.refresh_from_db()
    case.resolve(by=by)
    case.change_status("closed", by=by, at=timezone.now() - timedelta(days=days))


@pytest.mark.parametrize(("days", "same_issue"), [(1, True), (31, False)])
def test_an_answer_to_a_closed_case_opens_one_that_follows_and_the_next_goes_there(
    case: Case, sent: Dispatch, ana: User, days: int, same_issue: bool
) -> None:
    close(case, ana, days=days)

    second = taken(answer_to(sent))
    third = taken(answer_to(sent, "And another thing."))

    assert second.case != case
    assert third.case == second.case
    assert links(second.case) == [("follows", case.number)]
    assert (second.case.issue == case.issue) is same_issue
    case.refresh_from_db()
    assert case.status == "closed"


def test_a_stranger_does_not_join_what_follows_either(case: Case, sent: Dispatch, ana: User) -> None:
    close(case, ana)
    second = taken(answer_to(sent))

    said = taken(answer_to(sent, sender=STRANGER))

    assert said.case != second.case
    assert second.case.messages.count() == 1


def test_a_case_marked_as_spam_takes_it_in_and_stays_so(case: Case, sent: Dispatch, ana: User) -> None:
    case.refresh_from_db()
    case.change_status("open", by=ana)
    case.change_status("spam", by=ana)

    assert taken(answer_to(sent)).case == case
    case.refresh_from_db()
    assert case.status == "spam"


def test_nothing_leads_back_to_who_was_erased(case: Case, sent: Dispatch) -> None:
    Customer.objects.filter(pk=case.customer_id).update(erased_at=timezone.now())
    case.customer.contact_points.update(ended_at=timezone.now())

    for raw in (answer_to(sent), letter(to=ids.reply_address(sent)), letter(subject=f"[#{case.number}]")):
        said = taken(raw)
        assert said.case != case
        assert links(said.case) == []


# --- answers to what belongs to no case


@pytest.fixture
def notice(billing: Queue) -> Dispatch:
    mia = make_customer("Mia Wolff", email="mia@example.org")
    return dispatch(
        customer=mia,
        contact_point=mia.contact_points.get(),
        channel="mail",
        address="mia@example.org",
        message_class="notice",
        source="notice",
        source_id=1,
        release_at=timezone.now(),
    )


@pytest.fixture
def told() -> Any:
    heard: list[tuple[int, int]] = []
    with hooks.answered.registered(lambda dispatch, case: heard.append((dispatch.pk, case.pk))):
        yield heard


def test_an_answer_to_a_notice_opens_a_case_and_whoever_sent_it_hears(notice: Dispatch, told: Any) -> None:
    said = taken(answer_to(notice, subject="Re: Routers lose the line"))
    again = taken(letter("More", to=ids.reply_address(notice)))

    assert (said.case.customer, said.case.subject) == (notice.customer, "Re: Routers lose the line")
    assert again.case == said.case
    assert told == [(notice.pk, said.case.pk)] * 2


def test_a_stranger_does_not_answer_a_notice(notice: Dispatch, told: Any) -> None:
    said = taken(answer_to(notice, sender=STRANGER))

    assert said.case.customer != notice.customer
    assert told == []


def test_a_machine_does_not_answer_a_notice(notice: Dispatch, told: Any) -> None:
    item = arrived(answer_to(notice, auto_submitted="auto-replied"))

    assert (item.state, item.error, item.dispatch) == ("ignored", "auto_reply_to_mail", notice)
    assert told == []
