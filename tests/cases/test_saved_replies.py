"""Saved replies: whose they are, how they are found, what they say in a case, and that no place reaches a customer unfilled."""

import zoneinfo
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import conversation, filling, saved_replies, variables
from cases.models import Case, Message, Queue, SavedReply
from cases.models.case import Refusal
from crm import tokens
from crm.models import User
from customers.models import Customer, Organization
from tests.builders import make_case, make_customer, make_promise, make_saved_reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_case(billing, "Charged twice", customer=carl, channel="mail", assignee=ana)


def titles(case: Case, user: User, asked: str = "") -> list[str]:
    return [str(reply) for reply in saved_replies.offered(case, user, asked)]


def one(reply: SavedReply, case: Case, by: User, promise: filling.Promised | None = None) -> saved_replies.Rendered:
    [found] = saved_replies.render([reply], case, by, promise=promise)
    return found


def said(text: str, case: Case, by: User) -> str:
    return one(make_saved_reply("Any", text), case, by).text


# --- texts and variables


def test_every_variable_is_filled_in_by_the_case(case: Case, ana: User, carl: Customer) -> None:
    carl.organization = Organization.objects.create(name="Jensen & Co")
    carl.save()
    promise = make_promise(case, ana)
    case.refresh_from_db()
    filled = {name: said(variables.written(name), case, ana) for name in variables.KNOWN}
    assert filled["promise.due"] == filling.moment(promise.due_at, zoneinfo.ZoneInfo("UTC"))
    assert filled | {"promise.due": "", "case.opened": "", "company.name": ""} == {
        "customer.name": "Carl Jensen",
        "customer.first_name": "Carl",
        "customer.organization": "Jensen & Co",
        "case.number": str(case.number),
        "case.subject": "Charged twice",
        "case.opened": "",
        "queue.name": "Billing",
        "rep.name": "Ana Lind",
        "rep.first_name": "Ana",
        "promise.what": "The refund",
        "promise.due": "",
        "company.name": "",
    }
    assert not any("{" in text for text in filled.values())


def test_the_time_of_a_promise_is_told_in_the_customers_language_and_zone(
    case: Case, ana: User, carl: Customer
) -> None:
    carl.tz, case.language = "America/New_York", "de-AT"
    case.customer = carl
    due = timezone.now().replace(month=1, day=5, hour=17, minute=0) + timedelta(days=366)
    reply = make_saved_reply("Bald", texts={"en": "By {promise.due}", "de": "Bis {promise.due}"})
    found = one(reply, case, ana, ("Anruf", due))
    assert found.language == "de"
    assert "Januar" in found.text
    assert "12:00 Uhr (EST)" in found.text


def test_what_nobody_knows_stays_to_be_seen(case: Case, ana: User) -> None:
    case.customer = None
    found = one(make_saved_reply("Hi", "Hello {customer.first_name}, {rep.name}"), case, ana)
    assert found.text == "Hello {customer.first_name}, Ana Lind"
    assert found.missing == ["customer.first_name"]
    assert ("{customer.first_name}", True) in found.pieces


def test_a_value_is_only_ever_text(case: Case, ana: User) -> None:
    case.subject = "{rep.name} {0.__class__} %(x)s {{ 7|add:1 }} <b>"
    assert said("{case.subject}", case, ana) == case.subject


@pytest.mark.parametrize(
    ("name", "first"),
    [("Carl Jensen", "Carl"), ("Jensen, Carl", "Carl"), ("Carl", "Carl"), ("carl@a.example", ""), ("  ", "")],
)
def test_how_somebody_is_addressed(name: str, first: str) -> None:
    assert filling.first_name(name) == first


@pytest.mark.parametrize(
    ("in_case", "theirs", "texts", "told"),
    [
        ("de", "en", {"en": "a", "de": "b"}, "de"),
        ("de-AT", "en", {"en": "a", "de": "b", "de-AT": "c"}, "de-AT"),
        ("de-CH", "en", {"en": "a", "de": "b"}, "de"),
        ("pt", "en", {"es": "a", "pt-BR": "b"}, "pt-BR"),
        ("fr", "es", {"en": "a", "es": "b"}, "es"),
        ("fr", "it", {"en": "a", "es": "b"}, "en"),
        ("fr", "it", {"pl": "a", "es": "b"}, "pl"),
        ("fr", "it", {}, ""),
    ],
)
def test_a_text_falls_back_from_the_case_to_the_customer_to_the_house(
    case: Case, in_case: str, theirs: str, texts: dict[str, str], told: str
) -> None:
    case.language = in_case
    assert case.customer is not None
    case.customer.language = theirs
    assert filling.told_in(texts, case) == (told, texts.get(told, ""))


def test_publishing_makes_a_version_and_keeps_the_old_one(sue: User) -> None:
    reply = make_saved_reply("Refund", "On its way.")
    first = reply.current
    second = reply.publish(title="Refund", texts={"en": "It left."}, by=sue)
    assert (second.number, second.created_by, reply.current) == (2, sue, second)
    assert reply.publish(title=" Refund ", texts={"en": "It left. ", "de": " "}) == second
    assert list(reply.versions.order_by("number")) == [first, second]


@pytest.mark.parametrize(
    ("title", "texts"),
    [
        ("", {"en": "x"}),
        ("x" * 121, {"en": "x"}),
        ("x", {}),
        ("x", {"en": " "}),
        ("x", {"en": "y" * 20_001}),
        ("x", {"english!": "y"}),
        ("x", {"en": "Hello {customer.firstname}"}),
        ("x", {"en": "Hello", "de": "Hallo {name}"}),
    ],
)
def test_a_faulty_one_is_refused_in_words(title: str, texts: dict[str, str]) -> None:
    reply = SavedReply.objects.create()
    with pytest.raises(ValidationError):
        reply.publish(title=title, texts=texts)
    assert reply.versions.count() == 0


# --- nothing unfilled leaves


def test_a_reply_with_an_empty_place_is_refused_until_it_is_filled(case: Case, ana: User) -> None:
    with pytest.raises(Refusal, match=r"\{customer.first_name\}"):
        conversation.reply(case, by=ana, text="Hi {customer.first_name}", written_against=case.version)
    with pytest.raises(Refusal, match=r"\{promise.due\}"):
        conversation.reply(case, by=ana, text="Hi", next_step="Call {promise.due}", written_against=case.version)
    assert not Message.objects.exists()
    conversation.reply(case, by=ana, text="Hi {name}, see {case}", written_against=case.version)
    conversation.add_note(case, by=ana, text="We say {customer.first_name} there")
    assert Message.objects.count() == 2


def test_the_refusal_reaches_who_sends_and_keeps_their_words(client: Client, case: Case, ana: User) -> None:
    client.force_login(ana)
    text = {"kind": "reply", "text": "Hi {customer.first_name}", "against": case.version}
    answer = client.post(reverse("cases:messages", args=[case.number]), text)
    assert answer.status_code == 409
    assert "Fill in first: {customer.first_name} (the customer’s first name)." in answer.content.decode()


# --- whose they are, and finding them


@pytest.fixture
def library(billing: Queue, technical: Queue, ana: User, lee: User) -> dict[str, SavedReply]:
    return {
        "mine": make_saved_reply("My own thanks", "Thank you.", owner=ana, shortcut="thx"),
        "lees": make_saved_reply("Lee's own", "Cheers.", owner=lee),
        "billing": make_saved_reply("Refund sent", "The refund is on its way.", queues=[billing], shortcut="refund"),
        "technical": make_saved_reply("Restart it", "Please restart.", queues=[technical]),
        "house": make_saved_reply("We need more", "Which account?", folder="Questions"),
        "away": make_saved_reply("Old", "Old words.", queues=[billing], is_active=False),
    }


def test_one_is_offered_ones_own_and_those_of_the_queue_and_the_house(
    library: dict[str, SavedReply], case: Case, technical: Queue, ana: User, lee: User
) -> None:
    assert titles(case, ana) == ["My own thanks", "Refund sent", "We need more"]
    assert titles(case, lee) == ["Lee's own", "Refund sent", "We need more"]
    assert titles(make_case(technical), ana) == ["My own thanks", "Restart it", "We need more"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("refund", ["Refund sent"]),
        ("REF sen", ["Refund sent"]),
        ("thx", ["My own thanks"]),
        ("question", ["We need more"]),
        ("account", ["We need more"]),
        ("refund account", []),
        ("old", []),
        ("'); DROP", []),
        ("!&|:*()", ["My own thanks", "Refund sent", "We need more"]),
    ],
)
def test_words_find_titles_shortcuts_folders_and_texts(
    library: dict[str, SavedReply], case: Case, ana: User, asked: str, found: list[str]
) -> None:
    assert titles(case, ana, asked) == found


def test_a_typed_shortcut_comes_first_then_what_is_used_most(case: Case, billing: Queue, ana: User) -> None:
    often = make_saved_reply("Refund often", "r", queues=[billing], used_count=9)
    short = make_saved_reply("The refund", "r", queues=[billing], shortcut="refund")
    seldom = make_saved_reply("Refund seldom", "r", queues=[billing])
    assert list(saved_replies.offered(case, ana, "refund")) == [short, often, seldom]


def test_a_shortcut_is_one_persons_once(library: dict[str, SavedReply], ana: User, lee: User) -> None:
    SavedReply.objects.create(owner=lee, shortcut="THX")
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedReply.objects.create(owner=ana, shortcut="THX")
    SavedReply.objects.create(owner=ana, shortcut="thx", is_active=False)


# --- in the console


@pytest.fixture
def desk(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


def test_the_picker_shows_what_each_would_say_here(desk: Client, case: Case, library: dict[str, SavedReply]) -> None:
    library["billing"].publish(title="Refund sent", texts={"en": "Hi {customer.first_name}, {promise.due} <b>"})
    answer = desk.get(reverse("cases:offered_replies", args=[case.number]), {"q": "refund"})
    page = answer.content.decode()
    assert 'data-text="Hi Carl, {promise.due} &lt;b&gt;"' in page
    assert '<mark class="empty">{promise.due}</mark>' in page
    assert "by when it is promised" in page
    assert "My own thanks" not in page
    typed = {"q": "refund", "by_when": "in 2 h", "next_step": "A call"}
    assert "(UTC)" in desk.get(reverse("cases:offered_replies", args=[case.number]), typed).content.decode()
    none = desk.get(reverse("cases:offered_replies", args=[case.number]), {"q": "zzz"}).content.decode()
    assert "No saved reply has the words “zzz”." in none


def test_the_picker_costs_the_same_however_many_there_are(desk: Client, case: Case, billing: Queue) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            desk.get(reverse("cases:offered_replies", args=[case.number]))
        return len(seen)

    make_promise(case, case.assignee)  # type: ignore[arg-type]
    make_saved_reply("One", "Hi {customer.first_name} {promise.due}", queues=[billing])
    few = asked()
    for n in range(11):
        make_saved_reply(f"More {n}", "Hi {customer.first_name} {promise.due}", queues=[billing])
    assert asked() <= few + 2


def test_using_one_is_counted(desk: Client, case: Case, library: dict[str, SavedReply]) -> None:
    reply = library["billing"]
    for _ in range(2):
        assert desk.post(reverse("cases:use_reply", args=[case.number, reply.pk])).status_code == 204
    reply.refresh_from_db()
    assert reply.used_count == 2
    assert reply.used_at is not None
    for hidden in ("lees", "technical", "away"):
        assert desk.post(reverse("cases:use_reply", args=[case.number, library[hidden].pk])).status_code == 404


def test_a_rep_makes_changes_and_puts_away_their_own(desk: Client, ana: User, case: Case) -> None:
    form = {"title": "Call back", "shortcut": "cb", "text_en": "I call you, {customer.first_name}.", "is_active": "on"}
    assert desk.post(reverse("cases:new_reply"), form).status_code == 302
    reply = SavedReply.objects.get(owner=ana)
    assert titles(case, ana, "cb") == ["Call back"]
    again = desk.post(reverse("cases:new_reply"), form)
    assert again.status_code == 422
    assert "You have a saved reply with this shortcut already." in again.content.decode()
    wrong = desk.post(reverse("cases:reply", args=[reply.pk]), form | {"text_en": "Hi {customer.fist_name}"})
    assert wrong.status_code == 422
    assert "There is no variable {customer.fist_name}." in wrong.content.decode()
    reply.publish(title="Call back", texts={**reply.texts, "fr": "Bonjour"})
    assert desk.post(reverse("cases:reply", args=[reply.pk]), form | {"text_de": "Ich rufe an."}).status_code == 302
    reply.refresh_from_db()
    assert set(reply.texts) == {"en", "de", "fr"}
    assert desk.post(reverse("cases:reply", args=[reply.pk]), {**form, "is_active": ""}).status_code == 302
    assert titles(case, ana) == []
    assert "put away" in desk.get(reverse("cases:replies")).content.decode()


def test_the_page_finds_by_words_and_shows_the_shared_ones(
    desk: Client, library: dict[str, SavedReply], billing: Queue
) -> None:
    page = desk.get(reverse("cases:replies")).content.decode()
    assert all(title in page for title in ("My own thanks", "Refund sent", "We need more", "the whole house"))
    assert not any(title in page for title in ("Lee&#x27;s own", "Restart it", "Old words."))
    assert "Refund sent" not in desk.get(reverse("cases:replies"), {"q": "account"}).content.decode()


def test_a_text_is_tried_on_a_case_one_sees(desk: Client, case: Case, technical: Queue) -> None:
    texts = {"title": "x", "text_en": "Hi {customer.first_name}", "text_de": "Hallo {promise.due}"}
    page = desk.post(reverse("cases:reply_preview"), texts).content.decode()
    assert f"#{case.number}" in page
    assert "Hi Carl" in page
    assert '<mark class="empty">{promise.due}</mark>' in page
    hidden = make_case(technical, customer=make_customer("Zoe"))
    assert desk.post(reverse("cases:reply_preview"), texts | {"case": str(hidden.number)}).status_code == 404
    faulty = desk.post(reverse("cases:reply_preview"), {"text_en": "Hi {nobody}"}).content.decode()
    assert "There is no variable {nobody}." in faulty


# --- the shared ones in the admin, and over HTTP


def test_a_supervisor_shares_one_with_their_queues_only(
    client: Client, sue: User, root: User, billing: Queue, technical: Queue, case: Case, ana: User
) -> None:
    client.force_login(sue)
    form = {"title": "Refund sent", "shortcut": "refund", "text_en": "It left.", "is_active": "on"}
    assert client.post(reverse("admin:cases_savedreply_add"), form).status_code == 200
    assert client.post(reverse("admin:cases_savedreply_add"), form | {"queues": [technical.pk]}).status_code == 200
    assert not SavedReply.objects.exists()
    assert client.post(reverse("admin:cases_savedreply_add"), form | {"queues": [billing.pk]}).status_code == 302
    reply = SavedReply.objects.get()
    assert (reply.owner, reply.current.created_by, titles(case, ana)) == (None, sue, ["Refund sent"])  # type: ignore[union-attr]
    page = client.get(reverse("admin:cases_savedreply_change", args=[reply.pk])).content.decode()
    assert f"#{case.number}" in page
    assert "It left." in page
    own = make_saved_reply("Ana's", "x", owner=ana)
    assert client.get(reverse("admin:cases_savedreply_change", args=[own.pk])).status_code == 302
    client.force_login(root)
    assert client.post(reverse("admin:cases_savedreply_add"), form).status_code == 302


def _api(user: User) -> Client:
    return Client(headers={"authorization": f"Bearer {tokens.issue(user)[0]}"})


def test_the_api_keeps_to_whose_they_are(
    ana: User, lee: User, sue: User, billing: Queue, technical: Queue, case: Case
) -> None:
    mine = _api(ana).post(
        "/api/saved-replies/",
        {"title": "Hi", "shortcut": "hi", "texts": {"en": "Hi {customer.first_name}"}},
        "application/json",
    )
    assert (mine.status_code, mine.json()["mine"], mine["ETag"]) == (201, True, '"1"')
    pk = mine.json()["id"]
    assert _api(lee).get(f"/api/saved-replies/{pk}/").status_code == 404
    taken = _api(ana).post(
        "/api/saved-replies/", {"title": "Ho", "shortcut": "HI", "texts": {"en": "x"}}, "application/json"
    )
    assert taken.status_code == 409
    wrong = _api(ana).patch(f"/api/saved-replies/{pk}/", {"texts": {"en": "{customer.nam}"}}, "application/json")
    assert (wrong.status_code, SavedReply.objects.get(pk=pk).versions.count()) == (400, 1)
    stale = _api(ana).patch(
        f"/api/saved-replies/{pk}/", {"title": "Ho"}, "application/json", headers={"if-match": '"7"'}
    )
    assert stale.status_code == 412
    assert _api(ana).patch(f"/api/saved-replies/{pk}/", {"mine": False}, "application/json").status_code == 400
    offered = _api(ana).get(f"/api/cases/{case.number}/saved-replies/?q=hi").json()["results"]
    assert [(each["id"], each["text"], each["missing"]) for each in offered] == [(pk, "Hi Carl", [])]
    shared: dict[str, Any] = {"title": "Ours", "texts": {"en": "x"}, "mine": False}
    for queues in ([], [technical.pk], [billing.pk, technical.pk]):
        refused = _api(sue).post("/api/saved-replies/", shared | {"queues": queues}, "application/json")
        assert refused.status_code == 400, queues
    made = _api(sue).post("/api/saved-replies/", shared | {"queues": [billing.pk]}, "application/json").json()
    both = SavedReply.objects.get(pk=made["id"])
    both.queues.add(technical)
    assert _api(sue).patch(f"/api/saved-replies/{both.pk}/", {"title": "Mine"}, "application/json").status_code == 400
