"""Finding cases and customers by what people remember."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases import conversation, search_rows, snippets
from cases import search as finding
from cases.models import Case, CaseSearch, Queue
from cases.search import index_text, search, search_cases
from crm.models import User
from customers.addresses import normalise
from customers.folding import clean
from customers.matching import match
from customers.merging import merge
from customers.models import ContactPoint, Customer
from tests.builders import make_case, make_customer, make_message, make_queue

pytestmark = pytest.mark.django_db


def said(case: Case, text: str, **fields: Any) -> Case:
    make_message(case, clean(text), **fields)
    index_text(case, text)
    return case


def found(user: User, text: str, **options: Any) -> list[Case]:
    return [hit.object for hit in search(user, text, **options) if isinstance(hit.object, Case)]


def people(user: User, text: str) -> list[Customer]:
    return [hit.object for hit in search(user, text) if isinstance(hit.object, Customer)]


# --- what finds what


def test_any_word_of_subject_or_messages_finds_the_case(billing: Queue, ana: User) -> None:
    case = said(make_case(billing, "Double charge"), "My Größe is café-sized.")
    said(case, "And the second message speaks of zebras.")
    other = said(make_case(billing, "Router"), "No light.")
    for text in ("double", "CHARGE", "grosse", "GRÖSSE", "cafe", "café", "zebras charge", "sized,double!"):
        assert found(ana, text) == [case], text
    assert found(ana, "light") == [other]
    assert found(ana, "double light") == []  # every word must match
    assert found(ana, "zebr") == []  # whole words


def test_a_case_is_found_by_its_number(billing: Queue, ana: User) -> None:
    case = make_case(billing)
    assert found(ana, f"#{case.number}") == found(ana, f" {case.number} ") == [case]
    mentions_it = said(make_case(billing, "Follow-up"), f"See case {case.number}.")
    assert found(ana, str(case.number)) == [case, mentions_it]


def test_a_phone_finds_people_however_it_is_written(billing: Queue, ana: User, carl: Customer) -> None:
    case = make_case(billing, customer=carl)
    make_case(billing)
    for text in ("+44 20 7946 0123", "0044 (0)20 7946 0123", "020-7946-0123", "+442079460123"):
        assert (people(ana, text), found(ana, text)) == ([carl], [case]), text


def test_a_mail_address_finds_people_whatever_its_case(billing: Queue, ana: User, carl: Customer) -> None:
    case = make_case(billing, customer=carl)
    assert (people(ana, " CARL@Example.ORG "), found(ana, "carl@example.org")) == ([carl], [case])
    assert search(ana, "nobody@example.org") == []


def test_beginnings_of_name_words_find_people_and_their_cases(billing: Queue, ana: User) -> None:
    jose = make_customer("José Ñandú Hübner")
    case = make_case(billing, customer=jose)
    make_case(billing, customer=make_customer("Josephine Baker"))
    for text in ("jose nan", "HUB", "Hübner, José", "ñan"):
        assert (people(ana, text), found(ana, text)) == ([jose], [case]), text
    assert len(people(ana, "jos")) == 2
    assert people(ana, "jose bak") != [jose]


def test_a_name_and_a_word_together_find_the_case(billing: Queue, ana: User, carl: Customer) -> None:
    case = said(make_case(billing, customer=carl), "The router is dead.")
    said(make_case(billing, customer=make_customer("Carl Young")), "The bill is wrong.")
    assert found(ana, "carl router") == [case]


def test_a_merged_customer_is_found_as_who_they_are_now(billing: Queue, ana: User, root: User) -> None:
    kept = make_customer("Katherine Jones", email="kate@example.org")
    gone = make_customer("Kitty Malone", email="kitty@example.org")
    case = make_case(billing, customer=gone)
    merge(kept, gone, by=root)
    for text in ("kitty", "kitty@example.org"):
        assert people(ana, text) == [kept], text
        assert case in found(ana, text), text


def test_newest_first_and_no_more_than_asked_for(billing: Queue, ana: User) -> None:
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    cases = [
        said(make_case(billing, "x", opened_at=begin + timedelta(days=n % 7, hours=n)), "gadget") for n in range(12)
    ]
    wanted = sorted(cases, key=lambda case: case.opened_at, reverse=True)
    assert found(ana, "gadget", limit=5) == wanted[:5]
    assert search_cases(ana, "gadget") == wanted


# --- what one may see


def test_another_queue_is_found_by_nothing(technical: Queue, ana: User, ben: User) -> None:
    carla = make_customer("Carla Benz", email="carla@example.org", phone="+4930901820")
    case = said(make_case(technical, "Secret", customer=carla), "Quetzalcoatl")
    for text in ("quetzalcoatl", "secret", f"#{case.number}", "carla", "carla@example.org", "+49 30 901820"):
        assert search(ana, text) == [], text
        assert found(ben, text) == [case], text


def test_the_signed_off_and_those_in_no_queue_find_nothing(billing: Queue, ana: User, eve: User) -> None:
    said(make_case(billing), "gadget")
    assert search(eve, "gadget") == []
    ana.is_active = False
    assert search(ana, "gadget") == []


def test_an_administrator_finds_everything(billing: Queue, technical: Queue, root: User) -> None:
    cases = {said(make_case(queue), "gadget") for queue in (billing, technical)}
    assert set(found(root, "gadget")) == cases


# --- odd text


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "'", '"', "\\", "%", "_", "%%__\\", "a'b", "'; DROP TABLE cases_case; --", "!(a & b) | c:*", "a <-> b",
        "&&&", "((((", ":*", "\x00", "a\x00b", "\ud800", "🙂", "🙂 gadget 🙂", "א ב ג", "👩‍👩‍👧‍👦", "a" * 5000, "é" * 3000, "é" * 300,
        "#", "#abc", "#99999999999999999999999", "٣٤٥", "-1", "1e9", "@", "@@", "a@", "+", "++44", "tel:", "()", "\u202egnp",
    ],
)  # fmt: skip
def test_odd_text_is_only_text(billing: Queue, ana: User, text: str) -> None:
    said(make_case(billing), "Nothing like that.")
    assert found(ana, text) == []


def test_odd_text_that_was_said_is_found(billing: Queue, ana: User) -> None:
    case = said(make_case(billing, "It's 100%"), 'O\'Brien\\n said "50_percent" 🙂 \x00 off')
    for text in ("o'brien", "100%", "50_percent", "🙂 off", '"said"', "BRIEN"):
        assert found(ana, text) == [case], text


def test_what_looks_like_a_pattern_is_none(billing: Queue, ana: User) -> None:
    make_case(billing, customer=make_customer("Under Score"))
    assert people(ana, "un_er") == []
    assert people(ana, "%nder") == people(ana, "nder") == []


def test_ten_megabytes_are_taken_and_their_beginning_found(billing: Queue, ana: User) -> None:
    case = make_case(billing)
    index_text(case, "needle " + " ".join(f"word{n}" for n in range(900_000)))
    assert found(ana, "needle word7") == [case]


def test_a_full_document_keeps_what_it_has_and_breaks_nothing(billing: Queue, ana: User) -> None:
    case = make_case(billing, "Needle")
    for part in range(9):  # nine times 200 kB of words no two of which are alike
        index_text(case, " ".join(f"{part}{n:05}{'x' * 90}" for n in range(2500)))
    index_text(case, "after the flood")
    assert found(ana, "needle") == [case]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # the transaction lives on


MEGABYTES = {
    "words no two of which are alike": " ".join(f"w{n:06}" for n in range(130_000)),
    "signs no two of which are alike": " ".join(
        chr(0x4E00 + n % 20_000) + chr(0x4E00 + n // 20_000) for n in range(260_000)
    ),
    "one word": "x" * 1_000_000,
    "one word of large signs": "𝔞" * 300_000,
    "letters that fold into eighteen": "\ufdfa" * 330_000,
    "marks alone": "\u0301" * 500_000,
    "NUL between": "\x00".join("abcdefgh " * 100_000),
    "lone halves of signs": "\ud83d x " * 250_000,
    "quotes and backslashes": "\\' \" : & | ! ( ) " * 60_000,
}


@pytest.mark.parametrize("text", MEGABYTES.values(), ids=MEGABYTES.keys())
def test_a_mail_of_a_megabyte_is_stored_whatever_it_consists_of(billing: Queue, ana: User, text: str) -> None:
    case = make_case(billing, channel="mail")
    conversation.add_inbound(case, text=f"needle {text}", sender=None, channel="mail", at=timezone.now())
    conversation.add_inbound(case, text="afterwards", sender=None, channel="mail", at=timezone.now())

    assert found(ana, "needle") == [case]
    assert found(ana, "afterwards") == [case]
    assert case.messages.count() == 2


def test_the_same_words_again_change_nothing(billing: Queue) -> None:
    case = said(make_case(billing), "gadget and gizmo")
    before = CaseSearch.objects.get(case=case).document
    index_text(case, "Gizmo GADGET")
    assert CaseSearch.objects.get(case=case).document == before


# --- both ways of looking give the same


@pytest.mark.parametrize("expected", [0, 10**9])
def test_rare_and_common_words_take_different_ways_to_the_same_cases(
    billing: Queue, technical: Queue, ana: User, monkeypatch: pytest.MonkeyPatch, expected: int
) -> None:
    dice, begin = random.Random(7), datetime(2026, 3, 2, tzinfo=UTC)
    cases = []
    for n in range(120):
        queue = dice.choice([billing, technical])
        case = make_case(queue, customer=None, opened_at=begin + timedelta(minutes=dice.randrange(10**6)))
        said(case, dice.choice(["gadget", "gadget", "gizmo gadget", "widget"]) + f" {n}")
        cases.append(case)
    monkeypatch.setattr(finding, "_expected", lambda _query: (expected, 120))
    for text, holds in (("gadget", {0, 1, 2}), ("gizmo", {2}), ("gizmo gadget", {2})):
        words = text.split()
        brute = [c for c in cases if c.queue == billing and all(w in c.messages.get().text.split() for w in words)]
        brute.sort(key=lambda c: c.opened_at, reverse=True)
        assert found(ana, text, limit=20) == brute[:20], (text, holds)


def test_a_name_too_common_to_list_is_looked_for_among_the_newest(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_PEOPLE", 2)
    cases = [make_case(billing, customer=make_customer(f"Anna Smith{n}")) for n in range(6)]
    make_case(billing, customer=make_customer("Bella Smith"))
    assert set(found(ana, "ann smi")) == set(cases)


def test_the_number_of_queries_does_not_grow(billing: Queue, ana: User, django_assert_max_num_queries: Any) -> None:
    def queries(n: int) -> None:
        for _n in range(n):
            said(make_case(billing), "gadget")
        with django_assert_max_num_queries(12):
            for hit in search(ana, "gadget"):
                assert isinstance(hit.object, Case)
                assert hit.object.queue.name
                assert str(hit.object.customer)

    queries(1)
    queries(20)


# --- snippets


def test_a_hit_shows_where_with_the_words_marked(billing: Queue, ana: User) -> None:
    case = said(make_case(billing), "Hello, " + "far " * 40 + "the Größe of the box " + "away " * 40)
    said(case, "Thanks.")
    (hit,) = [h for h in search(ana, "grosse box") if h.kind == "case"]
    assert "the <mark>Größe</mark> of the <mark>box</mark> away" in hit.snippet
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) < 300


def test_a_snippet_is_escaped_before_it_is_marked(billing: Queue, ana: User) -> None:
    said(make_case(billing), "<script>alert('gadget')</script> <b>gadget</b> &amp; mark")
    for text in ("gadget", "script", "mark", "amp", "b"):
        (hit,) = [h for h in search(ana, text) if h.kind == "case"]
        assert "<script" not in hit.snippet
        assert "<b>" not in hit.snippet
        assert "<mark>" in hit.snippet


def test_what_was_taken_back_is_not_shown(billing: Queue, ana: User) -> None:
    case = said(
        make_case(billing), "gadget, never sent", direction="outbound", taken_back_at=datetime(2026, 3, 2, tzinfo=UTC)
    )
    (hit,) = [h for h in search(ana, "gadget") if h.kind == "case"]
    assert (hit.object, hit.snippet) == (case, "")


def test_decomposed_letters_are_marked_too() -> None:
    assert snippets.around("Cafe\u0301 au lait", {"cafe"}) == "<mark>Café</mark> au lait"


def test_intake_and_search_agree_on_who_somebody_is(billing: Queue, ana: User) -> None:
    customer = match([normalise("phone", "020 7946 0999")], name="Mia Wong")
    case = make_case(billing, customer=customer)
    assert found(ana, "+44 (0) 20 7946 0999") == [case]


def test_a_queue_that_was_left_behind_hides_the_case(billing: Queue, technical: Queue, ana: User, ben: User) -> None:
    case = said(make_case(billing), "gadget")
    case.transfer(technical, by=ana)
    assert (found(ana, "gadget"), found(ben, "gadget")) == ([], [case])
    assert make_queue("Empty").cases.count() == 0


def test_a_word_no_statistics_know_is_counted_before_anybody_walks(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = said(make_case(billing), "the gruffalo")
    monkeypatch.setattr(search_rows, "size", lambda _table: 1_000_000)
    monkeypatch.setattr(search_rows, "planned", lambda _statement, _params: 6_500)  # what is guessed of any such word
    monkeypatch.setattr(search_rows, "walk", lambda *_, **__: pytest.fail("20,000 cases read for one"))
    assert found(ana, "gruffalo") == [case]


def test_what_is_counted_stops_where_it_is_enough(billing: Queue) -> None:
    for n in range(5):
        said(make_case(billing), f"everywhere {n}")
    assert [search_rows.counted("'everywhere'", most) for most in (3, 5, 9)] == [3, 5, 5]


def test_whoever_had_an_address_is_found_by_an_index() -> None:
    """The constraint's index knows those alone who have it now; without another every contact point was read."""
    known = ContactPoint.objects.filter(kind="email", value="carl@example.org")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a test is too small
        plan = known.explain()
    assert "contact_point_value_idx" in plan, plan


def test_no_index_of_words_keeps_a_list_of_what_is_pending() -> None:
    """Whoever filled it put in what all others had left: 50 ms on a million cases. And each search reads it whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.reloptions FROM pg_class c JOIN pg_am a ON a.oid = c.relam"
            " WHERE a.amname = 'gin' AND c.relnamespace = 'public'::regnamespace"
        )
        kept = dict(cursor.fetchall())
    assert {"case_document", "case_tags"} <= kept.keys()
    assert kept == dict.fromkeys(kept, ["fastupdate=off"])
