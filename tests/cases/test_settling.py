"""History settled in bulk is what it would have been, had each case been settled by itself and each event as it came."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.utils import timezone

import cases.imports
import crm.importing
import customers.imports
from cases import settling
from cases.models import Case, CaseSearch, Clock, Contact, Message, Promise, Queue
from crm import bulk
from crm.importing import FAILED, Import, Line, Report
from crm.models import Event, User
from tests.builders import make_case
from tests.cases import settled_singly
from tests.cases.clockwork import OFFICE, make_policy, publish_calendar
from tests.history import Write, written

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
STATUSES = ["new", "open", "waiting_customer", "waiting_internal", "resolved", "closed", "spam"]
KINDS = [
    "message_received", "answer_released", "reply_released", "status_changed", "status_changed", "resolved", "reopened",
    "reopened", "closed", "merged", "marked_spam", "priority_changed", "transferred", "tagged",
]  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return lambda lines: written(tmp_path, lines)


@pytest.fixture
def house(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two queues, one with hours of its own, and policies told apart by queue, priority, channel and tier."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    monkeypatch.setattr(crm.importing, "BATCH", 40)
    berlin = publish_calendar("Berlin", tz="Europe/Berlin")
    nights = publish_calendar("Nights", tz="America/New_York", hours={**OFFICE, "sat": [["00:00", "24:00"]]})
    Queue.objects.create(name="Nights", calendar=nights)
    every: Any = {"first_response": 45, "next_response": 60, "update": 300, "resolution": 2000}
    make_policy("Gold", position=1, tiers=["gold"], pause=("waiting_customer",), **every)
    make_policy("Off", position=0, is_active=False, resolution=1)
    make_policy("Urgent", position=2, priorities=["urgent"], calendar=berlin, first_response=10, resolution=300)
    make_policy("Billing", position=3, queues=[billing], pause=("waiting_customer", "waiting_internal"), **every)
    make_policy("Phone", position=4, channels=["phone"], next_response=30, update=90, resolution=0)


def _lines(dice: random.Random) -> list[dict[str, Any]]:
    """Customers, cases, their messages and events, as tangled as a file may tell them; many things at one moment."""
    people = [
        {"type": "customer", "external_id": f"c{n}", "name": f"P{n}", "tier": ["", "gold"][n % 2]} for n in (0, 1)
    ]
    told = [line for n in range(14) for line in _one(f"k{n}", n, dice)]
    opened, rest = [t for t in told if t["type"] == "case"], [t for t in told if t["type"] != "case"]
    dice.shuffle(rest)
    return [*people, *opened, *rest]


def _one(name: str, n: int, dice: random.Random) -> list[dict[str, Any]]:
    start = NOW - timedelta(days=dice.choice([0, 1, 3, 400]), minutes=dice.randrange(60, 5000))
    moments = [min(start + timedelta(minutes=30 * dice.randrange(40)), NOW) for _ in range(12)]
    times = [moment.isoformat() for moment in moments]
    case = {
        "type": "case", "external_id": name, "opened_at": start.isoformat(), "status": dice.choice(STATUSES),
        "customer": dice.choice(["c0", "c1", None]), "queue": dice.choice(["Billing", "Nights"]),
        "channel": dice.choice(["mail", "phone"]), "priority": dice.choice(["normal", "urgent"]),
        "subject": f"Case {n}", "resolved_at": max(times) if dice.random() < 2 else None,
    }  # fmt: skip
    return [
        case,
        *(_said(name, i, at, dice) for i, at in enumerate(times[:5])),
        *(_event(name, at, dice) for at in times[5:]),
    ]


def _said(case: str, i: int, at: str, dice: random.Random) -> dict[str, Any]:
    direction = dice.choice(["inbound", "outbound", "outbound", "note"])
    said = {"direction": direction, "at": at, "text": f"  word{i}\n  of {case} " * dice.choice([0, 1, 30])}
    answer = {"is_answer": False} if dice.random() < 0.3 else {}
    auto = {"is_auto": dice.random() < 0.2}
    return {"type": "message", "external_id": f"{case}-{i}", "case": case, **said, **answer, **auto}


def _event(case: str, at: str, dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(KINDS)
    status = {"closed": "closed", "merged": "merged", "resolved": "resolved", "marked_spam": "spam", "reopened": "open"}
    data: dict[str, Any] = {}
    if kind == "status_changed" or kind in status:
        data = {"status": status.get(kind) or dice.choice(STATUSES[:4]), "was": dice.choice(STATUSES)}
    return {"type": "event", "case": case, "kind": kind, "at": at, "data": data}


# --- what there is after it


def _imported(path: Path) -> list[tuple[int, str]]:
    outcomes: list[tuple[int, str]] = []

    def keep(batch: list[Line], _report: Report) -> None:
        outcomes.extend((line.number, line.outcome) for line in batch)

    kinds = {**customers.imports.KINDS, **cases.imports.KINDS}
    Import(path, "import", kinds, keep, cases.imports.finish).run()
    return outcomes


def _columns(row: models.Model, *but: str) -> dict[str, Any]:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname not in {"id", *but}}


def _state() -> dict[str, Any]:
    """Every clock, promise, case, contact, search document and event, named by what they are called elsewhere."""
    said = dict(Message.objects.values_list("pk", "external_id"))
    own = ("case_id", "customer_id", "issue_id")
    return {
        "cases": [_columns(c, "number", "customer_id", "issue_id") for c in Case.objects.order_by("pk")],
        "clocks": [(c.case.external_id, _columns(c, *own)) for c in Clock.objects.order_by("case_id", "pk")],
        "promises": [_columns(p, *own) for p in Promise.objects.order_by("case_id", "pk")],
        "contacts": [(c.case.external_id, _columns(c, *own)) for c in Contact.objects.order_by("case_id", "started_at", "channel")],
        "messages": [
            (m.external_id, m.case_version, m.contact and _columns(m.contact, *own))
            for m in Message.objects.order_by("case_id", "external_id").select_related("contact")
        ],
        "words": [str(s.document) for s in CaseSearch.objects.order_by("case_id")],
        "log": [
            (e.version, e.kind, e.via, e.at, {**e.data, "message": said.get(e.data.get("message")), "clock": None})
            for e in Event.objects.filter(stream="case").order_by("stream_id", "version")
        ],
    }  # fmt: skip


def _undone(what: Callable[[], Any]) -> Any:
    """What it comes to, and then it never was."""
    with transaction.atomic():
        found = what()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_history_settled_in_bulk_is_what_it_would_have_been_case_by_case(
    seed: int, house: None, root: User, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = _lines(random.Random(seed))
    half = len(lines) * 2 // 3

    def everything() -> Any:
        first = _imported(write(lines[:half]))
        _work(root)
        return first, _imported(write(lines)), _state()

    in_bulk = _undone(everything)
    monkeypatch.setattr(settling, "settle", settled_singly.settle)
    one_by_one = _undone(everything)
    assert in_bulk[:2] == one_by_one[:2]
    for part, rows in one_by_one[2].items():
        assert [pair for pair in zip(in_bulk[2][part], rows, strict=True) if pair[0] != pair[1]] == [], part
    outcomes, state = in_bulk[1], in_bulk[2]
    assert len(state["cases"]) == 14
    assert len(state["clocks"]) > 14
    assert {c["attention_at"] is None for c in state["cases"]} == {True, False}
    assert sum(outcome == FAILED for _n, outcome in outcomes) < len(lines) / 4


def _work(root: User) -> None:
    """What people did meanwhile: a promise, and answers and reopenings of this very minute."""
    for n, case in enumerate(Case.objects.order_by("pk")):
        if n % 3 == 0:
            Promise.objects.create(case=case, owner=root, what="Call", due_at=NOW + timedelta(hours=n), made_at=NOW)
        if n % 3 == 1:
            with transaction.atomic():
                case.lock()
                case.record("answer_released", by=root, at=NOW - timedelta(seconds=20))
        if n % 3 == 2 and case.status == "resolved":
            case.reopen(by=root, at=NOW - timedelta(seconds=30))


# --- what may go wrong


SPAM_AND_BACK: list[dict[str, Any]] = [
    {"type": "case", "external_id": "k", "queue": "Billing", "status": "open", "opened_at": "2026-03-02T09:00:00Z"},
    {"type": "event", "case": "k", "kind": "marked_spam", "at": "2026-03-02T10:00:00Z", "data": {"status": "spam"}},
    {"type": "event", "case": "k", "kind": "status_changed", "at": "2026-03-02T11:00:00Z", "data": {"status": "open"}},
    {"type": "event", "case": "k", "kind": "reply_released", "at": "2026-03-02T12:00:00Z"},
    {"type": "event", "case": "k", "kind": "closed", "at": "2026-03-02T14:00:00Z", "data": {"status": "closed"}},
    {
        "type": "event", "case": "k", "kind": "reopened", "at": "2026-03-02T13:00:00Z",
        "data": {"status": "open", "was": "spam"},
    },
]  # fmt: skip


def test_a_line_that_would_have_two_clocks_run_at_once_stays_out_however_it_ends(
    house: None, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The close at the end would leave nothing running, and nothing for the constraint to see."""
    path = write(SPAM_AND_BACK)
    in_bulk = _undone(lambda: (_imported(path), _state()))
    assert [outcome for _n, outcome in in_bulk[0]] == ["created"] * 5 + [FAILED]
    monkeypatch.setattr(settling, "settle", settled_singly.settle)
    assert _undone(lambda: (_imported(path), _state())) == in_bulk


def test_a_batch_costs_the_same_queries_however_many_cases_it_settles(house: None, write: Write) -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    for name, size in (("a", 2), ("b", 18)):
        lines = [line for n in range(size) for line in _plain(f"{name}{n}")]
        with CaptureQueriesContext(connection) as asked:
            _imported(write(lines))
        counts.append(len([q for q in asked if "cases_casesearch" not in q["sql"]]))
    assert counts[0] == counts[1]


def _plain(name: str) -> list[dict[str, Any]]:
    opened = "2026-03-02T09:00:00Z"
    return [
        {"type": "case", "external_id": name, "queue": "Billing", "status": "open", "opened_at": opened},
        {"type": "message", "external_id": name, "case": name, "direction": "inbound", "at": opened, "text": "Hello"},
    ]


def test_many_rows_are_written_at_once_and_none_is_cut_short(billing: Queue) -> None:
    rows = [make_case(billing, subject=f"Case {n}") for n in range(3)]
    rows[0].preview, rows[0].last_message_at, rows[0].assignee_id = "it's “so”, {a}\\", NOW, None
    rows[1].preview, rows[1].version = "NULL", 7
    bulk.write(rows, ["preview", "last_message_at", "assignee", "version"])
    stored = [Case.objects.get(pk=row.pk) for row in rows]
    assert [(c.preview, c.last_message_at, c.version) for c in stored] == [
        ("it's “so”, {a}\\", NOW, 0),
        ("NULL", None, 7),
        ("", None, 0),
    ]
    rows[2].preview = "x" * 161
    from django.db import DataError

    with pytest.raises(DataError), transaction.atomic():
        bulk.write(rows, ["preview"])
    assert Case.objects.get(pk=rows[2].pk).preview == ""


def test_nothing_to_write_asks_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        bulk.write([], ["preview"])


def test_a_text_too_long_for_a_document_keeps_none_of_the_others_from_being_found(house: None, write: Write) -> None:
    long = " ".join(f"w{n}" for n in range(90_000))
    lines = [line for n in range(3) for line in _plain(f"k{n}")]
    lines += [{**lines[1], "external_id": f"more{n}", "text": long.replace("w", f"w{n}")[:250_000]} for n in range(9)]
    assert {outcome for _n, outcome in _imported(write(lines))} == {"created"}
    assert CaseSearch.objects.count() == 3
    assert all("'hello'" in str(s.document) for s in CaseSearch.objects.all())


# --- what chance would seldom make


def _both_ways(what: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    in_bulk = _undone(what)
    monkeypatch.setattr(settling, "settle", settled_singly.settle)
    return in_bulk, _undone(what)


def test_of_replies_at_one_moment_the_last_one_decides(
    house: None, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status came with a bare reply: the customer, who wrote at the same moment, still waits for an answer."""
    kinds = [("answer_released", {}), ("message_received", {}), ("reply_released", {})]
    steps = [*kinds, ("status_changed", {"status": "waiting_customer", "was": "open"})]
    at = "2026-03-02T10:00:00Z"
    events = [{"type": "event", "case": "k", "kind": kind, "at": at, "data": data} for kind, data in steps]
    path = write([{**SPAM_AND_BACK[0], "opened_at": "2026-03-02T09:00:00Z"}, *events])

    def lived() -> Any:
        _imported(path)
        return list(Clock.objects.order_by("pk").values_list("kind", "resumed_at", "paused_at", "breached_at"))

    in_bulk, one_by_one = _both_ways(lived, monkeypatch)
    assert in_bulk == one_by_one
    assert [(kind, paused) for kind, _resumed, paused, _breached in in_bulk if kind == "next_response"] == [
        ("next_response", None)
    ]


def test_a_breach_of_this_very_minute_is_told_as_it_would_have_been(
    house: None, billing: Queue, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_policy("Quick", position=0, queues=[billing], first_response=0.25)
    path = write([{**_plain("k")[1], "direction": "note", "at": NOW.isoformat()}])

    def lived() -> Any:
        with transaction.atomic():
            case = make_case(billing, source="import", external_id="k", opened_at=NOW - timedelta(seconds=50))
            case.record("opened", by=None, at=NOW - timedelta(seconds=50))
            case.record("answer_released", by=None, at=NOW - timedelta(seconds=10))
        _imported(path)
        return list(Event.objects.filter(stream="case").order_by("pk").values_list("version", "kind", "at"))

    in_bulk, one_by_one = _both_ways(lived, monkeypatch)
    assert in_bulk == one_by_one
    assert [kind for _version, kind, _at in in_bulk].count("sla_breached") == 2
