"""The customer's page of their case (C6): plain, theirs alone, and with nothing of ours on it but what we told them."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases import conversation, merging, outward, promises, status_page
from cases.contact_form import fresh_token
from cases.models import Case, Message, Queue
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case, make_question

pytestmark = pytest.mark.django_db
SENT = timedelta(seconds=11)


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def path(case: Case) -> str:
    point = case.customer.contact_points.get(kind="email") if case.customer else None
    return status_page.link(case, point).partition("://")[2].partition("/")[2].join(["/", ""])


def posted(client: Client, case: Case, **fields: object) -> object:
    return client.post(path(case), {"token": fresh_token(), **fields})


# --- what it tells


def test_it_says_in_plain_words_how_it_stands_and_what_happens_next(client: Client, case: Case, ana: User) -> None:
    now = timezone.now()
    conversation.reply(case, by=ana, text="SECRET", written_against=case.version, is_answer=True,
                       next_step="We call your bank", by_when=now + timedelta(hours=5), then_status="open")  # fmt: skip
    outward.release_due(now + SENT)
    page = client.get(path(case)).content.decode()
    assert "A person is working on it." in page
    assert "We call your bank" in page
    assert "UTC" in page


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("waiting_customer", "We have answered you"),
        ("waiting_internal", "A person is working on it."),
        ("resolved", "We believe this is done."),
        ("spam", "We have your message."),
    ],
)
def test_every_status_has_its_words(status: str, words: str, client: Client, case: Case, ana: User) -> None:
    case.release(by=ana)
    case.change_status(status, by=ana)
    assert words in client.get(path(case)).content.decode()


def test_the_place_in_line_counts_who_has_waited_longer(client: Client, case: Case, billing: Queue, ana: User) -> None:
    case.release(by=ana)
    now = timezone.now()
    earlier = [make_case(billing, waiting_since=now - timedelta(hours=n + 1)) for n in range(2)]
    make_case(billing, waiting_since=now + timedelta(hours=1))
    make_case(billing, waiting_since=now - timedelta(days=1), assignee=ana)
    assert "You are number 3 in line." in client.get(path(case)).content.decode()
    for other in earlier:
        other.claim(by=ana)
    assert "You are next in line." in client.get(path(case)).content.decode()


def test_nothing_of_ours_is_on_it(client: Client, case: Case, ana: User, lee: User) -> None:
    now = timezone.now()
    conversation.add_note(case, by=lee, text="CANARY-NOTE")
    promises.make(case, what="CANARY-PROMISE", due_at=now + timedelta(hours=1), owner=lee, made_by=None, at=now)
    case.set_tags(["canary-tag"], by=ana)
    case.set_priority("urgent", by=ana)
    page = client.get(path(case)).content.decode()
    for canary in ("CANARY", "canary", "urgent", "Ana", "Lind", "Lee", "Hart", "Billing", "Well?", "carl@example.org"):
        assert canary not in page


def test_it_costs_the_same_however_long_the_case(client: Client, case: Case, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    for _n in range(30):
        conversation.add_inbound(case, text="And?", sender=None, channel="mail", at=timezone.now())
    with django_assert_max_num_queries(14):
        client.get(path(case))


# --- whose it is


def test_a_link_that_was_made_up_is_too_old_or_was_called_back_leads_nowhere(
    client: Client, case: Case, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = path(case)
    assert client.get(good).status_code == 200
    for bad in (good[:-3] + "xy/", "/status/abc/", good.replace("status/", "status/a")):
        assert client.get(bad).status_code == 404
    status_page.revoke(case, by=ana)
    gone = client.get(good)
    assert (gone.status_code, "leads nowhere any more" in gone.content.decode()) == (404, True)
    fresh = path(case)
    assert client.get(fresh).status_code == 200
    monkeypatch.setattr(status_page, "DAYS", -1)
    assert client.get(fresh).status_code == 404


def test_an_address_that_became_anothers_speaks_for_nobody(client: Client, case: Case, carl: Customer) -> None:
    link = path(case)
    point = carl.contact_points.get(kind="email")
    carl.contact_points.filter(pk=point.pk).update(ended_at=timezone.now())
    client.post(link, {"token": fresh_token(), "message": "Me"})
    assert case.messages.get(text="Me").sender is None


def test_the_page_of_an_erased_customer_is_gone(client: Client, case: Case, carl: Customer) -> None:
    link = path(case)
    Customer.objects.filter(pk=carl.pk).update(erased_at=timezone.now())
    assert client.get(link).status_code == 404


def test_it_is_kept_out_of_indexes_caches_and_other_sites(client: Client, case: Case) -> None:
    answer = client.get(path(case))
    assert answer["Referrer-Policy"] == "same-origin"
    assert "noindex" in answer["X-Robots-Tag"]
    assert "no-store" in answer["Cache-Control"]


# --- what they say


def test_words_and_files_are_theirs_from_the_address_the_link_went_to(client: Client, case: Case) -> None:
    file = SimpleUploadedFile("bill.txt", b"42", "text/plain")
    answer = client.post(path(case), {"token": fresh_token(), "message": "One more thing", "attachments": [file]})
    assert answer.status_code == 302
    message = case.messages.get(text="One more thing")
    assert (message.sender.value, message.channel) == ("carl@example.org", "web")  # type: ignore[union-attr]
    assert message.attachments.get().name == "bill.txt"
    assert "We have it." in client.get(answer["Location"]).content.decode()


def test_sent_twice_it_is_one_message(client: Client, case: Case) -> None:
    form = {"token": fresh_token(), "message": "Once"}
    assert [client.post(path(case), form).status_code for _twice in range(2)] == [302, 302]
    assert case.messages.filter(text="Once").count() == 1


def test_a_call_back_is_asked_for_in_words_and_by_a_tag(client: Client, case: Case) -> None:
    client.post(path(case), {"token": fresh_token(), "phone": "+44 20 7946 0123", "when": "morning"})
    case.refresh_from_db()
    assert case.tags == ["call-back"]
    assert re.search(r"call me back at .*0123.*in the morning", case.messages.latest("pk").text)


@pytest.mark.parametrize(
    "fields", [{}, {"message": "  "}, {"phone": "12"}, {"message": "x", "token": "stale"}], ids=str
)
def test_what_cannot_be_sent_says_why_and_is_not(fields: dict[str, str], client: Client, case: Case) -> None:
    before = case.messages.count()
    answer = posted(client, case, **fields)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert case.messages.count() == before


def test_a_word_reopens_what_was_done_and_follows_what_is_closed(client: Client, case: Case, ana: User) -> None:
    case.resolve(by=ana)
    posted(client, case, message="No, it is not")
    case.refresh_from_db()
    assert case.status == "open"
    case.resolve(by=ana)
    case.change_status("closed", by=ana)
    answer = posted(client, case, message="It is back")
    fresh = Message.objects.get(text="It is back").case
    assert (fresh.links.get().other, fresh.links.get().kind) == (case, "follows")
    assert client.get(answer["Location"]).status_code == 200  # type: ignore[index]


def test_in_a_case_that_was_merged_it_goes_on_in_the_other(
    client: Client, case: Case, billing: Queue, ana: User
) -> None:
    kept = make_case(billing, customer=case.customer, status="open")
    link = path(case)
    merging.merge(case, kept, by=ana)
    assert f"#{kept.number}" in client.get(link).content.decode()
    client.post(link, {"token": fresh_token(), "message": "Still me"})
    assert kept.messages.filter(text="Still me").exists()


def test_it_is_no_way_to_flood_us(client: Client, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from cases.views import status

    monkeypatch.setattr(status, "WORDS", 2)
    answers = [posted(client, case, message=f"Word {n}") for n in range(3)]
    assert [a.status_code for a in answers] == [302, 302, 429]  # type: ignore[attr-defined]
    assert answers[-1]["Retry-After"]  # type: ignore[index]
    monkeypatch.setattr(status, "LOOKS", 3)
    assert client.get(path(case)).status_code == 429


# --- in every message, and at the desk


def test_answers_carry_the_link_below_their_words(client: Client, case: Case, ana: User) -> None:
    conversation.reply(case, by=ana, text="On its way", written_against=case.version)
    now = timezone.now() + SENT
    outward.release_due(now)
    outward.send_due(now)
    body = mail.outbox[-1].body
    found = re.search(r"https?://\S+(/status/\S+)", body)
    assert body.startswith("On its way\n\n")
    assert found
    assert client.get(found[1]).status_code == 200


def test_a_rep_sees_what_the_customer_sees_and_cannot_speak_for_them(client: Client, case: Case, ana: User) -> None:
    client.force_login(ana)
    form = client.get(f"/cases/{case.number}/status-page/").content.decode()
    look = re.search(r'href="https?://[^/]+(/status/[^"]+)"', form)
    assert look
    page = client.get(look[1])
    assert "<textarea" not in page.content.decode()
    assert client.post(look[1], {"token": fresh_token(), "message": "As Carl"}).status_code == 403
    assert not case.messages.filter(text="As Carl").exists()


def test_calling_the_links_back_is_told_in_the_case(client: Client, case: Case, cast: SimpleNamespace) -> None:
    client.force_login(cast.ana)
    old = path(case)
    client.delete(f"/cases/{case.number}/status-page/")
    assert Client().get(old).status_code == 404
    assert Event.objects.get(kind="status_links_revoked").actor == cast.ana
