"""History from another system: everything once, times kept, bad lines named, nothing sent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cases.models import Article, BusinessCalendar, Case, Clock, Dispatch, Message, Queue, SLAPolicy
from cases.search import search
from crm.models import Event, ImportRun, User
from customers.models import ContactPoint, Customer
from tests.history import HISTORY, Write, everything, run, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return lambda lines: written(tmp_path, lines)


def test_everything_comes_in_with_its_times(ana: User, write: Write, capsys: Any) -> None:
    code, out, err = run(write(HISTORY), capsys)
    assert (code, err) == (0, "")
    assert "customer: 1 created" in out
    case = Case.objects.get(external_id="k1")
    assert (case.status, case.queue.name, case.customer.name, case.tags) == (
        "resolved",
        "Billing",
        "Rosa Nuñez",
        ["refund"],
    )
    assert case.resolved_at.isoformat() == "2024-01-02T11:00:00+00:00"
    assert case.custom == {"region": "north", "answered_by": "a1"}
    assert (case.preview, case.preview_direction) == ("Refunded.", "outbound")
    inbound, outbound, note = case.messages.all()
    assert (inbound.sender_name, outbound.author, note.author, note.sender_name) == ("Rosa", ana, None, "gone")
    assert inbound.contact == outbound.contact
    assert note.contact is None
    assert ContactPoint.objects.get(value="rosa@example.org").is_verified
    assert Customer.objects.named_like("nun").count() == 1
    assert Article.objects.get().current.title == "Double charge"
    assert not Dispatch.objects.exists()


def test_the_log_tells_it_in_gapless_versions_at_its_times(ana: User, write: Write, capsys: Any) -> None:
    run(write(HISTORY), capsys)
    case = Case.objects.get(external_id="k1")
    events = list(Event.objects.filter(stream="case", stream_id=case.pk).order_by("version"))
    assert [e.version for e in events] == list(range(1, case.version + 1))
    assert {e.via for e in events} == {"import"}
    told = [(e.kind, f"{e.at:%H:%M}") for e in sorted(events, key=lambda e: (e.at, e.version))]
    assert told == [
        ("opened", "09:00"), ("message_received", "09:00"), ("reply_written", "09:30"), ("answer_released", "09:30"),
        ("note_added", "10:00"), ("escalated", "10:30"), ("resolved", "11:00"),
    ]  # fmt: skip
    assert "Rosa" not in str([e.data for e in events])
    for message in case.messages.all():
        assert message.case_version in {e.version for e in events if e.data.get("message") == message.pk}


def test_a_second_run_changes_nothing(ana: User, write: Write, capsys: Any) -> None:
    path = write(HISTORY)
    run(path, capsys)
    before = everything()
    code, out, _err = run(path, capsys)
    assert code == 0
    assert "created" not in out
    assert "updated" not in out
    assert "message: 3 unchanged" in out
    assert everything() == before


def test_another_source_is_another_history(write: Write, capsys: Any) -> None:
    path = write([{"type": "product", "external_id": "p1", "name": "Fibre"}])
    assert "1 created" in run(path, capsys)[1]
    assert "1 created" in run(path, capsys, "--source", "other")[1]


def test_what_changed_is_updated_and_told_once(write: Write, capsys: Any) -> None:
    run(write(HISTORY[:2]), capsys)
    changed = [{**HISTORY[1], "name": "Rosa Maria", "contact_points": [{"kind": "handle", "value": "@rosa"}]}]
    assert "customer: 1 updated" in run(write(changed), capsys)[1]
    customer = Customer.objects.get()
    assert customer.name == "Rosa Maria"
    assert customer.contact_points.count() == 2
    assert customer.version == Event.objects.filter(stream="customer").count() == 2


def test_a_case_somebody_worked_on_since_stays_as_it_is(root: User, ana: User, write: Write, capsys: Any) -> None:
    path = write(HISTORY)
    run(path, capsys)
    Case.objects.get(external_id="k1").reopen(by=root)
    run(path, capsys)
    assert Case.objects.get(external_id="k1").status == "open"


def test_a_dry_run_says_it_all_and_changes_nothing(ana: User, write: Write, capsys: Any) -> None:
    before = everything()
    code, out, _err = run(
        write(
            [
                *HISTORY,
                "{",
                {
                    "type": "message",
                    "external_id": "m9",
                    "case": "none",
                    "direction": "note",
                    "at": "2024-01-01T00:00:00Z",
                },
            ]
        ),
        capsys,
        "--dry-run",
    )
    assert code == 1
    assert "Nothing was changed" in out
    assert "case: 2 created" in out
    assert "message: 3 created, 1 failed" in out
    assert everything() == before


BAD_LINES: list[tuple[Any, str]] = [
    ("{", "not JSON"),
    ("[1]", "JSON object"),
    ({"type": "spaceship"}, '"type"'),
    ({"type": "customer", "name": "No id"}, "external_id"),
    ({"type": "customer", "external_id": "c9", "tz": "Mars/Base"}, "time zone"),
    (
        {"type": "customer", "external_id": "c9", "contact_points": [{"kind": "email", "value": "x"}]},
        "contact_points[0]",
    ),
    ('{"type": "product", "external_id": "p9", "name": "a\\u0000b"}', "NUL"),
    (
        {"type": "message", "external_id": "m9", "case": "nowhere", "direction": "note", "at": "2024-01-01T00:00:00Z"},
        "no case nowhere",
    ),
    (
        {"type": "message", "external_id": "m9", "case": "k1", "direction": "sideways", "at": "2024-01-01T00:00:00Z"},
        "direction",
    ),
    ({"type": "message", "external_id": "m9", "case": "k1", "direction": "note", "at": "yesterday"}, "at:"),
    (
        {"type": "case", "external_id": "k9", "customer": "nobody", "opened_at": "2024-01-01T00:00:00Z"},
        "no customer nobody",
    ),
    ({"type": "case", "external_id": "k9", "status": "resolved", "opened_at": "2024-01-01T00:00:00Z"}, "resolved_at"),
    (
        {"type": "event", "case": "k1", "kind": "said", "at": "2024-01-01T00:00:00Z", "data": {"text": "Dear Rosa"}},
        "text into a message",
    ),
    (
        {"type": "event", "case": "k1", "kind": "said", "at": "2024-01-01T00:00:00Z", "data": {"status": ["open"]}},
        "one word",
    ),
    ({"type": "subscription", "external_id": "s9", "customer": "c1", "product": "p1", "price": "1e40"}, "price"),
]


def test_bad_lines_are_named_and_the_others_come_in(ana: User, write: Write, capsys: Any) -> None:
    lines = [*HISTORY, *(line for line, _why in BAD_LINES), {"type": "product", "external_id": "last", "name": "Last"}]
    path = write(lines)
    code, out, err = run(path, capsys)
    assert code == 1
    errors = [json.loads(raw) for raw in Path(f"{path}.errors.jsonl").read_text().splitlines()]
    assert [e["line"] for e in errors] == [len(HISTORY) + n for n in range(1, len(BAD_LINES) + 1)]
    for error, (_line, why) in zip(errors, BAD_LINES, strict=True):
        assert why in error["error"], error
    assert f"{len(BAD_LINES)} lines failed" in err
    assert f"line {len(HISTORY) + 1}: " in err
    assert "product: 2 created" in out
    assert everything()["Case"] == 2


def test_the_screen_shows_no_more_errors_than_one_can_read(write: Write, capsys: Any) -> None:
    _code, _out, err = run(write(["{"] * 700), capsys)
    assert err.count("\n") < 30
    assert "680 more" in err


def test_an_address_of_somebody_else_stays_theirs_and_is_told(write: Write, capsys: Any) -> None:
    point = [{"kind": "email", "value": "same@example.org"}]
    lines = [{"type": "customer", "external_id": f"c{n}", "name": f"N{n}", "contact_points": point} for n in range(3)]
    path = write(lines)
    code, out, _err = run(path, capsys)
    assert code == 0
    assert "customer: 3 created" in out
    assert ContactPoint.objects.get().customer.external_id == "c0"
    told = [json.loads(raw) for raw in Path(f"{path}.errors.jsonl").read_text().splitlines()]
    assert [(t["line"], "merge" in t["warning"]) for t in told] == [(2, True), (3, True)]
    assert "customer: 3 unchanged" in run(path, capsys)[1]


def test_somebody_known_by_an_address_is_who_the_line_is_about(carl: Customer, write: Write, capsys: Any) -> None:
    line = {"type": "customer", "external_id": "c1", "name": "Carl Jensen", "city": "Leeds"}
    run(write([{**line, "contact_points": [{"kind": "email", "value": "Carl@Example.org"}]}]), capsys)
    assert [(c.pk, c.external_id, c.city) for c in Customer.objects.all()] == [(carl.pk, "c1", "Leeds")]
    assert ContactPoint.objects.count() == 2


def test_what_the_database_refuses_stops_only_its_own_line(write: Write, capsys: Any, monkeypatch: Any) -> None:
    from django.db import DataError

    from cases import imports

    def refuses(message: Message) -> Message:
        if message.external_id == "m2":
            raise DataError("no room for this")
        return numbered(message)

    numbered = imports._numbered
    monkeypatch.setattr(imports, "_numbered", refuses)
    code, out, err = run(write(HISTORY), capsys)
    assert code == 1
    assert "message: 2 created, 1 failed" in out
    assert "no room for this" in err
    assert everything()["Message"] == 2


def test_refused_lines_are_found_without_doing_every_other_one_alone(write: Write) -> None:
    from django.db import DataError

    from crm.importing import CREATED, Import, Kind, Line
    from customers.imports import ProductLine

    tried: list[int] = []

    def load(lines: list[Line], source: str) -> None:
        tried.append(len(lines))
        if {line.number for line in lines} & {7, 50}:
            raise DataError("no room for this")
        for line in lines:
            line.outcome = CREATED

    told: list[Line] = []
    path = write([{"type": "product", "external_id": f"p{n}", "name": "P"} for n in range(64)])
    Import(path, "import", {"product": Kind(ProductLine, load)}, lambda batch, report: told.extend(batch)).run()
    assert [line.number for line in told if line.outcome != CREATED] == [7, 50]
    assert all("no room" in line.error for line in told if line.outcome != CREATED)
    assert len(tried) < 30


def test_clocks_lived_through_the_history_whatever_the_order_of_the_file(ana: User, write: Write, capsys: Any) -> None:
    queue = Queue.objects.create(name="Billing")
    calendar = BusinessCalendar.objects.create(name="Always")
    calendar.publish(
        tz="UTC", hours={d: [["00:00", "24:00"]] for d in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    )
    policy = SLAPolicy.objects.create(name="P")
    policy.queues.add(queue)
    targets = [{"kind": "first_response", "minutes": 15}, {"kind": "resolution", "minutes": 240}]
    policy.publish(targets=targets, calendar=calendar)
    run(write(HISTORY), capsys)
    clocks = {c.kind: c for c in Clock.objects.filter(case__external_id="k1")}
    first, resolution = clocks["first_response"], clocks["resolution"]
    assert (f"{first.met_at:%H:%M}", f"{first.breached_at:%H:%M}") == ("09:30", "09:15")
    assert (f"{resolution.met_at:%H:%M}", resolution.breached_at, resolution.elapsed_seconds) == ("11:00", None, 7200)
    assert not Event.objects.filter(kind="sla_breached").exists()


def test_what_came_in_is_found(root: User, ana: User, write: Write, capsys: Any) -> None:
    run(write(HISTORY), capsys)
    assert [h.object.external_id for h in search(root, "took twice") if h.kind == "case"] == ["k1"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_import_goes_on_where_it_stopped(write: Write, capsys: Any) -> None:
    lines: list[Any] = [{"type": "queue", "name": "Billing"}, "{"]
    for n in range(1500):
        lines.append(
            {
                "type": "case",
                "external_id": f"k{n}",
                "queue": "Billing",
                "status": "closed",
                "opened_at": "2024-01-02T09:00:00Z",
            }
        )
        lines.append(
            {
                "type": "message",
                "external_id": f"m{n}",
                "case": f"k{n}",
                "direction": "inbound",
                "at": "2024-01-02T09:00:00Z",
                "text": "Hello",
            }
        )
    path = write(lines)
    base = connection.settings_dict
    url = f"postgresql://{base['USER']}:{base['PASSWORD']}@/{base['NAME']}?host={base['HOST']}&port={base['PORT']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "crm.settings"}
    child = subprocess.Popen(
        [sys.executable, "manage.py", "import", str(path)], env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not Message.objects.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert child.poll() is None, "it ended before it could be killed"
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = ImportRun.objects.get().line
    assert 0 < done < len(lines)
    assert Case.objects.count() + Message.objects.count() == done - 2
    code, out, _err = run(path, capsys, "--resume")
    assert code == 1
    assert "case: 1500 created" in out
    assert "message: 1500 created" in out
    errors = Path(f"{path}.errors.jsonl").read_text().splitlines()
    assert [json.loads(raw)["line"] for raw in errors] == [2]
    assert (Case.objects.count(), Message.objects.count()) == (1500, 1500)
