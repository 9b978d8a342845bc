"""The language of filters: what it means, what it does not understand, and that search, lists and the API agree on it."""

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import filters, phrases, search_rows
from cases import search as finding
from cases.asking import cut
from cases.filter_keys import KEYS
from cases.filter_parts import Asker
from cases.models import Attachment, Case, Draft, Mention, Queue, SurveyAnswer, SurveyAsking, Watch
from cases.search import find, index_text, search_cases
from crm.models import StoredFile, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_customer, make_message, make_queue

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# --- what each filter means


def told(user: User, text: str) -> tuple[str, ...]:
    return filters.read(text, Asker(user, AT)).problems


TOLD = [
    ("asignee:lee", "There is no filter “asignee:”. Did you mean “assignee:”?"),
    ("frobnicate:x", "There is no filter “frobnicate:”. There are is, queue"),
    ("is:unasigned", "Did you mean “unassigned”?"),
    ("status:opne", "Did you mean “open”?"),
    ("priority:enormous", "It takes: low, normal, high, urgent."),
    ("queue:biling", "Did you mean “Billing”?"),
    ("assignee:lee|leo", "“leo” is nothing assignee: knows"),
    ("promise:<2y", "is no time"),
    ("customer:!", "Say which customer"),
    (f"{'tag:x ' * 21}", "too much at once"),
    ("x" * 401, "at most 400"),
]


@pytest.mark.django_db
def test_what_is_not_understood_is_said_with_what_was_meant(billing: Queue, ana: User, lee: User) -> None:
    make_case(billing, customer=None)
    for text, says in TOLD:
        (problem_told, *_) = told(ana, text)
        assert says in problem_told, text
        assert find(ana, text, at=AT).hits == []


@pytest.mark.django_db
def test_a_queue_one_may_not_see_is_no_queue(billing: Queue, technical: Queue, ana: User, ben: User) -> None:
    assert told(ana, "queue:technical")
    assert not told(ben, "queue:technical")
    assert "Technical" not in str(told(ana, "queue:technica"))


@pytest.fixture
def desk(billing: Queue, technical: Queue, ana: User, lee: User, carl: Customer) -> dict[str, Case]:
    """A case for each thing a filter can ask, all in Billing but one."""
    anna = make_customer("Ana Torres")

    def case(**fields: Any) -> Case:
        return make_case(billing, **({"customer": None, "status": "open", "opened_at": AT - 10 * DAY} | fields))

    made = {
        "mine": case(assignee=ana, waiting_since=AT - 2 * DAY),
        "lees": case(assignee=lee, priority="high", channel="mail", tags=["refund", "vip"]),
        "free": case(status="new", opened_at=AT - HOUR, customer=anna, priority="urgent", language="es"),
        "soon": case(assignee=lee, promise_due_at=AT + HOUR, attention_at=AT + HOUR, customer=carl),
        "late": case(assignee=lee, promise_due_at=AT - HOUR, attention_at=AT - HOUR, send_state="failed"),
        "asleep": case(assignee=ana, snoozed_until=AT + DAY, tags=["refund"]),
        "done": case(status="resolved", resolved_at=AT - HOUR, assignee=ana, last_message_at=AT - 2 * DAY),
        "spam": case(status="spam"),
        "there": make_case(technical, customer=None),
    }
    note = make_message(made["lees"], "@ana look", direction="note")
    Mention.objects.create(case=made["lees"], message=note, user=ana)
    Watch.objects.create(case=made["soon"], user=ana)
    letter = make_message(made["mine"], "with a file")
    stored = StoredFile.objects.create(sha256="0" * 64, size=1)
    Attachment.objects.create(message=letter, file=stored, name="a.pdf", content_type="application/pdf", size=1)
    for name, ago in (("lees", HOUR), ("done", 89 * DAY), ("asleep", DAY), ("soon", 91 * DAY), ("spam", DAY)):
        SurveyAsking.objects.create(case=made[name], at=AT - ago)
    for name, solved in (("lees", False), ("done", True), ("soon", True), ("spam", True)):
        SurveyAnswer.objects.create(case=made[name], solved=solved, answered_at=AT, changed_at=AT)
    Draft.objects.create(author=ana, case=made["soon"], kind="reply", text="Dear")
    return made


EVERYTHING = "mine lees free soon late asleep done spam"
MEANS = {
    "is:mine": "mine asleep",
    "is:unassigned": "free",
    "is:assigned": "mine lees soon late asleep",
    "is:active": "mine lees free soon late asleep",
    "is:done": "done spam",
    "is:snoozed": "asleep",
    "is:awake": "mine lees free soon late",
    "is:overdue": "late",
    "is:promised": "soon late",
    "is:waiting": "mine",
    "is:mentioned": "lees",
    "is:watched": "soon",
    "is:undelivered": "late",
    "is:mine|unassigned": "mine asleep free",
    "-is:done": "mine lees free soon late asleep",
    "queue:billing": EVERYTHING,
    "queue:bil": EVERYTHING,
    "-queue:billing": "",
    "assignee:me": "mine asleep done",
    "assignee:lee": "lees soon late",
    "assignee:me|lee -is:done": "mine asleep lees soon late",
    "assignee:none": "free spam",
    "status:resolved|spam": "done spam",
    "status:open": "mine lees soon late asleep",
    "priority:high|urgent": "lees free",
    "promise:<2h": "soon late",
    "promise:overdue": "late",
    "promise:open": "soon late",
    "promise:none is:assigned": "mine lees asleep",
    "promise:>1d": "",
    "due:<30m": "late",
    "waiting:>1d": "mine",
    "waiting:<1d": "",
    'customer:"Ana Torres"': "free",
    "customer:torr": "free",
    "customer:none assignee:lee": "lees late",
    "customer:carl@example.org": "soon",
    "channel:mail": "lees",
    "tag:refund": "lees asleep",
    "disposition:none is:done": "done spam",
    "survey:asked": "lees done asleep",
    "survey:answered": "lees done",
    "survey:yes": "done",
    "survey:no|silent": "lees asleep",
    "-survey:asked is:assigned": "mine soon late",
    "cause:none assignee:lee": "lees soon late",
    "tag:REFUND -tag:vip": "asleep",
    "has:attachment": "mine",
    "has:note": "lees",
    "has:draft": "soon",
    "has:promise": "soon late",
    "has:tag": "lees asleep",
    "has:customer": "free soon",
    "created:today": "free",
    "created:<1d": "free",
    "created:<2026-03-01 is:unassigned": "",
    "-created:<1d is:active": "mine lees soon late asleep",
    "updated:>1d": "done",
    "resolved:<2h": "done",
    "language:es": "free",
    "is:active priority:urgent assignee:none": "free",
}


@pytest.mark.django_db
def test_every_filter_has_an_example_that_is_understood(billing: Queue, ana: User, lee: User) -> None:
    assert [told(ana, key.example) for key in KEYS.values()] == [()] * len(KEYS)
    asked = {term.key for text in MEANS for term in cut(text).terms}
    assert asked == set(KEYS), "a line in MEANS for each"


@pytest.mark.django_db
def test_a_filter_finds_the_cases_it_means_by_every_way(desk: dict[str, Case], ana: User) -> None:
    mine = [desk["mine"].queue_id]
    for text, names in MEANS.items():
        expected = sorted((desk[name] for name in names.split()), key=lambda c: (c.opened_at, c.pk), reverse=True)
        found = find(ana, text, at=AT)
        assert (found.problems, [hit.object for hit in found.hits]) == ((), expected), text
        wanted = filters.read(text, Asker(ana, AT))
        where, pks = search_rows.where(wanted.q), {case.pk for case in expected}
        assert where is not None or not pks
        if where is not None:
            opened = search_rows.where(wanted.opened)
            assert set(search_rows.walk(mine, 100, 50, where=where, opened=opened)) == pks, text
            assert set(search_rows.narrow_first(where, mine, 50)) == pks, text


@pytest.mark.django_db
def test_words_and_filters_meet_whichever_is_rarer(billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(11)
    for n in range(30):
        case = make_case(
            billing,
            customer=make_customer(dice.choice(["Ana Torres", "Bo Kim"])),
            status="open",
            assignee=dice.choice([ana, None]),
            priority=dice.choice(["low", "high"]),
            opened_at=AT - dice.randrange(90) * DAY - n * HOUR,
            tags=dice.choice([[], ["x"]]),
        )
        make_message(case, text := dice.choice(["the gadget broke", "broke gadget the", "widget"]))
        index_text(case, text)
    brute: dict[str, Callable[[Case], bool]] = {
        "gadget is:unassigned": lambda c: "gadget" in c.messages.get().text and c.assignee is None,
        "gadget tag:x created:>20d": lambda c: (
            "gadget" in c.messages.get().text and c.tags == ["x"] and c.opened_at < AT - 20 * DAY
        ),
        "priority:high widget": lambda c: "widget" in c.messages.get().text and c.priority == "high",
        '"the gadget" tag:x': lambda c: "the gadget" in c.messages.get().text and c.tags == ["x"],
        "ana tag:x": lambda c: "Ana" in c.customer.name and c.tags == ["x"],  # type: ignore[union-attr]
    }
    newest = list(Case.objects.order_by("-opened_at", "-pk"))
    guesses = [3, 10**9]
    for (text, holds), words, fits in itertools.product(brute.items(), guesses, guesses):
        monkeypatch.setattr(finding, "_expected", lambda _query, n=words: (n, 30))
        monkeypatch.setattr(search_rows, "estimate", lambda _where, _queues, n=fits: (n, 30))
        found = [hit.object for hit in find(ana, text, at=AT, limit=5).hits]
        assert found == [case for case in newest if holds(case)][:5], (text, words, fits)


@pytest.mark.django_db
def test_a_walk_that_ends_before_the_last_case_says_so(
    desk: dict[str, Case], ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "DEEPEST_WALK", 3)
    monkeypatch.setattr(search_rows, "size", lambda _table: 9)
    assert find(ana, "status:spam|resolved", at=AT).partial
    assert not find(ana, "tag:refund", at=AT).partial  # an index leads there
    assert [h.object for h in find(ana, "tag:refund", at=AT).hits] == [desk["asleep"], desk["lees"]]


@pytest.mark.django_db
def test_a_search_by_number_or_words_finds_what_it_found(desk: dict[str, Case], ana: User) -> None:
    assert search_cases(ana, f"#{desk['mine'].number}")[0] == desk["mine"]
    assert [hit.object for hit in find(ana, "torres", at=AT).hits if hit.kind == "customer"]
    assert not [hit for hit in find(ana, "torres is:active", at=AT).hits if hit.kind == "customer"]


# --- words beside each other


@pytest.mark.django_db
def test_words_in_quotes_stand_beside_each_other(billing: Queue, ana: User) -> None:
    def said(text: str, **fields: Any) -> Case:
        case = make_case(billing, fields.pop("subject", ""), customer=None)
        make_message(case, text, **fields)
        index_text(case, text)
        return case

    exact = said("My double   charge, in April.")
    said("The charge was double.")
    other = said("x", subject="Double-Charge again")
    taken = said("double charge", taken_back_at=AT)
    assert set(search_cases(ana, '"double charge"')) == {exact, other}
    assert search_cases(ana, '"double charge" again') == [other]
    assert search_cases(ana, '"DÓUBLE charge in april"') == [exact]
    assert search_cases(ana, '"charge double"') == []
    assert taken not in search_cases(ana, '"double charge"')
    assert set(filters.in_list(filters.read('"double charge"', Asker(ana, AT)), billing, Asker(ana, AT))) == {
        exact,
        other,
    }


@pytest.mark.django_db
def test_phrases_are_read_in_pieces_until_enough_are_found(billing: Queue, ana: User) -> None:
    cases = [make_case(billing, "one two", customer=None, opened_at=AT - n * HOUR) for n in range(120)]
    found = phrases.among([case.pk for case in cases], [("one", "two")], most=60)
    assert found == [case.pk for case in cases[:60]]


# --- in a list


@pytest.mark.django_db
def test_a_list_holds_what_is_at_work_and_awake_unless_it_names_others(desk: dict[str, Case], ana: User) -> None:
    asker = Asker(ana, AT)
    expected = {
        "": "mine lees free soon late",
        "tag:refund": "lees",
        "tag:refund is:snoozed|awake": "lees asleep",
        "assignee:me": "mine",
        "status:resolved": "done",
        "is:done|active": "mine lees free soon late done spam",
        "promise:<2h": "soon late",
        "customer:torres": "free",
        "nosuch:x": "",
    }
    queue = desk["mine"].queue
    for text, names in expected.items():
        assert set(filters.in_list(filters.read(text, asker), queue, asker)) == {desk[n] for n in names.split()}, text


# --- what may come next


@pytest.mark.django_db
def test_what_may_come_next_is_offered(desk: dict[str, Case], ana: User, lee: User) -> None:
    def offered(text: str) -> list[str]:
        return [offer.text for offer in filters.offers(text, Asker(ana, AT))]

    assert offered("refund pr") == ["refund priority:", "refund promise:"]
    assert "-is:" in offered("-i")
    assert offered("x is:un") == ["x is:unassigned ", "x is:undelivered "]
    assert offered("queue:b") == ["queue:Billing "]
    assert offered("assignee:me|Lee") == ["assignee:me|lee "]
    assert offered("tag:v") == ["tag:vip "]
    assert offered("nosuch:") == []
    make_queue("Big Billing", reps=[ana])
    assert offered('queue:"big b') == ['queue:"Big Billing" ']


@pytest.mark.django_db
def test_suggestions_come_over_http_with_what_is_wrong(client: Client, ana: User, billing: Queue) -> None:
    client.force_login(ana)
    told_now = client.get("/search/suggestions/", {"q": "is:una"}).json()
    assert told_now["offers"] == [{"shown": "is:unassigned", "says": "nobody’s", "text": "is:unassigned "}]
    assert "unassigned" in told_now["problems"][0]


# --- the page and the API


@pytest.mark.django_db
def test_the_search_page_filters_and_says_what_it_does_not_understand(
    client: Client, desk: dict[str, Case], ana: User
) -> None:
    client.force_login(ana)
    page = client.get("/search/", {"q": "tag:refund"}).content.decode()
    assert f"#{desk['lees'].number}" in page
    assert f"#{desk['mine'].number}" not in page
    wrong = client.get("/search/", {"q": "asignee:lee"}).content.decode()
    assert "Did you mean “assignee:”?" in wrong


@pytest.mark.django_db
def test_the_api_speaks_the_same_language(desk: dict[str, Case], ana: User, ben: User) -> None:
    index_text(desk["lees"], "gadget")

    def numbers(path: str, user: User = ana) -> list[int]:
        return sorted(row["number"] for row in Caller(user).get(path).json()["results"])

    assert numbers("cases/?q=tag:refund") == sorted([desk["lees"].number, desk["asleep"].number])
    assert numbers("cases/?q=tag:refund gadget&status=open") == [desk["lees"].number]
    assert numbers("cases/?q=tag:refund", ben) == []
    found = Caller(ana).get("search/?q=tag:refund gadget").json()["results"]
    assert [hit["case"]["number"] for hit in found] == [desk["lees"].number]
    for path in ("cases/?q=is:unasigned", "search/?q=is:unasigned"):
        answer = Caller(ana).get(path)
        assert answer.status_code == 400
        assert "Did you mean" in answer.json()["detail"]


@pytest.mark.django_db
def test_the_cost_of_a_filter_does_not_grow(
    desk: dict[str, Case], ana: User, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(9):
        find(ana, "tag:refund assignee:me|lee", at=timezone.now())
