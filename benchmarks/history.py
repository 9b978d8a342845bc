"""What an import costs: `python -m benchmarks.history LINES` on an empty migrated database of its own, in CPU seconds.

The history is mixed as a house's is: customers with what they have and agreed to, cases under two SLA policies whose
messages, notes, statuses and reopenings come a little later in the file than the case, here and there out of order."""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

Line = dict[str, Any]
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = (
    "invoice",
    "router",
    "charge",
    "refund",
    "twice",
    "slow",
    "order",
    "parcel",
    "late",
    "broken",
    "plan",
    "signal",
)


def history(count: int, seed: int = 7) -> Iterator[Line]:
    """About `count` lines of every type."""
    dice = random.Random(seed)
    yield from _ground()
    told = 12
    for n in range(count):
        lines = [*_customer(n, dice), *(line for k in range(2) for line in _case(n, k, dice))]
        yield from lines
        told += len(lines)
        if told >= count:
            return


def _ground() -> Iterator[Line]:
    yield {"type": "organization", "external_id": "o1", "name": "Acme"}
    for n in range(3):
        yield {"type": "product", "external_id": f"p{n}", "name": f"Fibre {n}", "kind": "broadband"}
        yield {"type": "queue", "name": f"Queue {n}"}
    for n in range(5):
        yield {"type": "article", "external_id": f"a{n}", "title": f"Article {n}", "body": "Do this, then that."}


def _customer(n: int, dice: random.Random) -> Iterator[Line]:
    who, since = f"c{n}", EPOCH + timedelta(hours=n % 5000)
    address = {"kind": "email", "value": f"person{n}@example.org", "verified": True}
    yield {
        "type": "customer", "external_id": who, "name": f"Rosa{n} Nunez", "organization": "o1", "language": "es",
        "tz": "Europe/Madrid", "city": "Vigo", "tier": dice.choice(["", "gold"]), "contact_points": [address],
    }  # fmt: skip
    yield {"type": "subscription", "external_id": f"s{n}", "customer": who, "product": f"p{n % 3}", "price": "29.99"}
    yield {"type": "order", "external_id": f"b{n}", "customer": who, "number": f"B-{n}", "placed_at": since.isoformat()}
    yield {"type": "consent", "customer": who, "purpose": "advice", "granted": True, "at": since.isoformat()}


def _case(n: int, k: int, dice: random.Random) -> Iterator[Line]:
    name, at = f"k{n}-{k}", EPOCH + timedelta(minutes=dice.randrange(600_000))
    status = dice.choice(["closed", "closed", "closed", "resolved", "open", "waiting_customer"])
    case: Line = {
        "type": "case", "external_id": name, "customer": f"c{n}", "queue": f"Queue {n % 3}", "channel": "mail",
        "subject": _words(dice, 5), "status": status, "opened_at": at.isoformat(), "answered_by": f"a{n % 5}",
        "priority": dice.choice(["low", "normal", "high", "urgent"]), "tags": [dice.choice(WORDS)],
    }  # fmt: skip
    moments = [at + timedelta(minutes=sum(dice.randrange(1, 300) for _ in range(i))) for i in range(7)]
    if status in ("closed", "resolved"):
        case["resolved_at"] = (moments[-1] + timedelta(hours=1)).isoformat()
    yield case
    lines = [_message(name, i, moment, dice) for i, moment in enumerate(moments[:5])]
    lines += [
        _event(name, "status_changed", moments[2], status="waiting_customer", was="open"),
        _event(name, "status_changed", moments[4] - timedelta(minutes=1), status="open", was="waiting_customer"),
    ]
    if dice.random() < 0.2:
        dice.shuffle(lines)
    yield from lines


def _message(case: str, i: int, at: datetime, dice: random.Random) -> Line:
    direction = ("inbound", "outbound", "inbound", "note", "outbound")[i]
    said = {"direction": direction, "at": at.isoformat(), "text": _words(dice, 40), "author": "somebody"}
    return {"type": "message", "external_id": f"{case}-m{i}", "case": case, **said}


def _event(case: str, kind: str, at: datetime, **data: str) -> Line:
    return {"type": "event", "case": case, "kind": kind, "at": at.isoformat(), "data": data}


def _words(dice: random.Random, count: int) -> str:
    return " ".join(f"{dice.choice(WORDS)}{dice.randrange(40)}" for _ in range(count))


# --- the measurement


def main(count: int) -> None:
    from crm.models import ImportRun

    if ImportRun.objects.exists():
        sys.exit("This wants an empty database of its own: it would fill yours.")
    _house()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.jsonl")
        lines = [json.dumps(line) for line in history(count)]
        path.write_text("\n".join(lines) + "\n")
        for what in ("fresh", "again"):
            _measured(what, path, len(lines))


def _measured(what: str, path: Path, lines: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    ours, theirs, wall = time.process_time(), _cpu(backend), time.monotonic()
    call_command("import", str(path), stdout=sys.stderr)
    ours, theirs, wall = time.process_time() - ours, _cpu(backend) - theirs, time.monotonic() - wall
    spent = f"{ours:.1f} s of ours, {theirs:.1f} s of the database's, {wall:.1f} s on the clock"
    print(f"{what}: {lines} lines, {lines / (ours + theirs):.0f} a CPU second: {spent}")


def _cpu(pid: int) -> float:
    """CPU seconds of a backend on this machine; 0 where it is elsewhere."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _house() -> None:
    from cases.models import BusinessCalendar, SLAPolicy

    office = BusinessCalendar.objects.create(name="Office")
    week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    office.publish(tz="Europe/Madrid", hours=week, holidays=["2024-12-25"])
    kinds = [("first_response", 60), ("next_response", 120), ("update", 480), ("resolution", 1440)]
    targets = [{"kind": kind, "minutes": minutes} for kind, minutes in kinds]
    urgent = SLAPolicy.objects.create(name="Urgent", position=0)
    urgent.publish(targets=targets, priorities=["urgent"], pause_statuses=["waiting_customer"])
    everything = SLAPolicy.objects.create(name="Everything", position=1)
    everything.publish(targets=targets, calendar=office, pause_statuses=["waiting_customer"])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
