"""Names only we can give: each opens what it was given for, survives mail servers, and cannot be made by anybody else."""

import string
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.mail import ids
from cases.models import Case, Dispatch, InboundItem, Mailbox, Queue
from customers.models import Customer
from tests.builders import make_case, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl)


def dispatched(case: Case | None = None, **fields: object) -> Dispatch:
    """One mail to Carl: an answer in the case, else a notice."""
    given = {"channel": "mail", "address": "carl@example.org", "message_class": "notice", "source": "notice"}
    dispatch = Dispatch.objects.create(**{**given, "source_id": Dispatch.objects.count() + 1, **fields})
    if case:
        said = make_message(case, direction="outbound", dispatch=dispatch)
        dispatch.source, dispatch.source_id = "message", said.pk
        dispatch.save()
    return dispatch


def neighbours(text: str) -> list[str]:
    """The text with one letter or digit of it changed, each in turn, to the one beside it in its alphabet."""
    order = string.ascii_lowercase + "234567" + "890189"
    return [text[:i] + order[order.index(c) + 1] + text[i + 1 :] for i, c in enumerate(text) if c in order]


def test_a_message_id_is_known_again(case: Case) -> None:
    answer, notice = dispatched(case), dispatched()
    for dispatch in (answer, notice):
        name = ids.message_id(dispatch)
        for met in (name, name.strip("<>"), name.upper(), f"  {name}\r\n"):
            assert ids.dispatch_of(met) == dispatch


def test_a_message_id_changed_by_one_sign_is_not_ours(case: Case) -> None:
    name = ids.message_id(dispatched(case)).strip("<>").partition("@")[0]
    assert len(name) == 36 + 1 + 26
    for forged in neighbours(name):
        assert ids.dispatch_of(f"<{forged}@brightwave.example>") is None


def test_a_message_id_is_of_one_recipient_one_source_and_one_channel(case: Case) -> None:
    """Whoever writes another's key beside a mark of their own, or has the row changed, gets nowhere."""
    mine, theirs = dispatched(case), dispatched(case, address="dora@example.org")
    mark = ids.message_id(mine).partition(".")[2]
    assert ids.dispatch_of(f"<{theirs.key}.{mark}") is None
    name = ids.message_id(mine)
    for field, value in {"address": "dora@example.org", "source_id": 999, "source": "notice", "channel": "x"}.items():
        kept = getattr(mine, field)
        Dispatch.objects.filter(pk=mine.pk).update(**{field: value})
        assert ids.dispatch_of(name) is None, field
        Dispatch.objects.filter(pk=mine.pk).update(**{field: kept})
    assert ids.dispatch_of(name) == mine


def test_the_recipient_counts_in_one_spelling(case: Case) -> None:
    dispatch = dispatched(case, address="Carl@Example.org")
    name = ids.message_id(dispatch)
    Dispatch.objects.update(address="carl@example.org")
    assert ids.dispatch_of(name) == dispatch


def test_names_without_a_seal_were_never_good(case: Case) -> None:
    """What we sent before names were sealed is answered into a new case: keeping it open would keep the hole open."""
    dispatch = dispatched(case)
    for name in (f"<{dispatch.key}@x>", f"<{dispatch.key}.@x>", f"<{dispatch.key}.{'a' * 26}@x>"):
        assert ids.dispatch_of(name) is None


def test_renewed_keys_know_old_names_and_forgotten_ones_do_not(case: Case, settings) -> None:
    answer, notice = dispatched(case), dispatched()
    names, addresses = [ids.message_id(d) for d in (answer, notice)], [ids.reply_address(d) for d in (answer, notice)]
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    settings.SECRET_KEY_FALLBACKS = [old]
    assert [ids.dispatch_of(n) for n in names] == [answer, notice]
    assert all(ids.target_of(a) for a in addresses)
    settings.SECRET_KEY_FALLBACKS = []
    assert [ids.dispatch_of(n) for n in names] == [None, None]
    assert not any(ids.target_of(a) for a in addresses)


def test_a_reply_address_names_the_case_or_the_mail_itself(case: Case) -> None:
    answer, notice = dispatched(case), dispatched()
    assert ids.reply_address(answer).startswith(f"help+c{case.number}.")
    assert ids.reply_address(answer) == ids.reply_address(dispatched(case))
    assert ids.target_of(ids.reply_address(answer)) == ids.Target(case=case)
    assert ids.target_of(ids.reply_address(notice)) == ids.Target(dispatch=notice)


def test_a_reply_address_survives_mail_servers(case: Case) -> None:
    address = ids.reply_address(dispatched(case))
    local, _at, domain = address.partition("@")
    for met in (address.upper(), address.title(), f" {address}\r\n", f"{local}@elsewhere.example"):
        assert ids.target_of(met) == ids.Target(case=case)
    assert len(local) <= 64
    assert local == local.lower()
    assert domain == "brightwave.example"


def test_a_reply_address_changed_by_one_sign_is_not_ours(case: Case, billing: Queue) -> None:
    other = make_case(billing)
    name = ids.reply_address(dispatched(case)).partition("+")[2].partition("@")[0]
    for forged in [*neighbours(name), name.replace(f"c{case.number}", f"c{other.number}"), f"d{name[1:]}", name[:-1]]:
        assert ids.target_of(f"help+{forged}@brightwave.example") is None


@pytest.mark.parametrize(
    "address",
    ["", "help@x", "@", "help+@x", "help+c1@x", "help+c1.@x", "+", "help+c0.aaaaaaaaaaaaaaaaaaaaaaaaaa@x", "c" * 9000],
)
def test_other_addresses_name_nothing(address: str) -> None:
    assert ids.target_of(address) is None


def test_what_is_gone_is_named_by_nobody() -> None:
    notice = dispatched()
    name, address = ids.message_id(notice), ids.reply_address(notice)
    notice.delete()
    assert ids.dispatch_of(name) is None
    assert ids.target_of(address) is None


def test_a_server_that_splits_no_addresses_gets_plain_ones(case: Case, settings) -> None:
    signed = ids.reply_address(dispatched(case))
    settings.MAIL_REPLY_SEPARATOR = "-"
    assert ids.target_of(ids.reply_address(dispatched(case))) == ids.Target(case=case)
    settings.MAIL_REPLY_SEPARATOR = ""
    assert ids.reply_address(dispatched(case)) == "help@brightwave.example"
    assert ids.target_of(signed) is None


def test_a_long_address_is_left_plain_rather_than_too_long(case: Case, settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Our House <the-friendly-people-of-the-help-desk@brightwave.example>"
    assert ids.reply_address(dispatched(case)) == "the-friendly-people-of-the-help-desk@brightwave.example"
    assert ids.message_id(dispatched(case)).endswith("@brightwave.example>")


def test_mail_of_a_case_comes_from_the_mailbox_it_was_written_to(case: Case, billing: Queue) -> None:
    now = timezone.now()
    for n, address in enumerate(["bills@brightwave.example", "post@brightwave.example"]):
        mailbox = Mailbox.objects.create(name=address, address=address, queue=billing, host="x", user=address)
        message = make_message(case, at=now + timedelta(minutes=n))
        item = InboundItem.objects.create(channel="mail", external_id=str(n), raw=b"", message=message)
        mailbox.mails.create(uidvalidity=1, uid=n, state="stored", item=item)
    dispatch = dispatched(case)
    assert ids.home(case) == "post@brightwave.example"
    assert ids.reply_address(dispatch).startswith(f"post+c{case.number}.")
    assert ids.target_of(ids.reply_address(dispatch)) == ids.Target(case=case)

    Mailbox.objects.filter(address="post@brightwave.example").update(is_active=False)
    assert ids.home(case) == "bills@brightwave.example"
    Mailbox.objects.update(is_active=False)
    assert ids.home(case) == ids.home(None) == "help@brightwave.example"


@given(st.text(max_size=120))
def test_no_text_breaks_them(text: str) -> None:
    assert ids.dispatch_of(text) is None
    assert ids.target_of(text) is None


def test_the_seals_of_two_purposes_are_two(case: Case) -> None:
    dispatch = dispatched(case)
    mark = ids.message_id(dispatch).partition(".")[2].partition("@")[0]
    assert ids.target_of(f"help+c{case.number}.{mark}@x") is None
    assert uuid.UUID(str(dispatch.key))
