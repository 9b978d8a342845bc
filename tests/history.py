"""A small history from another system, and the command that brings it in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from cases.models import Article, Case, Contact, Message, Queue
from crm.models import Event, ImportRun
from customers.models import Consent, ContactPoint, Customer, Order, Organization, Subscription

HISTORY: list[dict[str, Any]] = [
    {"type": "organization", "external_id": "o1", "name": "Acme"},
    {
        "type": "customer", "external_id": "c1", "name": "Rosa Nuñez", "organization": "o1", "language": "es",
        "contact_points": [{"kind": "email", "value": "Rosa@Example.org", "verified": True}],
    },
    {"type": "product", "external_id": "p1", "name": "Fibre 500", "kind": "broadband"},
    {"type": "subscription", "external_id": "s1", "customer": "c1", "product": "p1", "price": "29.99", "version": "2.1"},
    {"type": "order", "external_id": "b1", "customer": "c1", "number": "B-1", "total": 10, "placed_at": "2024-01-01T09:00:00Z"},
    {"type": "consent", "customer": "c1", "purpose": "advice", "granted": True, "at": "2024-01-01T09:00:00Z"},
    {"type": "article", "external_id": "a1", "title": "Double charge", "body": "Refund it.", "audience": "public"},
    {"type": "queue", "name": "Billing"},
    {
        "type": "case", "external_id": "k1", "customer": "c1", "queue": "Billing", "channel": "mail",
        "subject": "Charged twice", "status": "resolved", "opened_at": "2024-01-02T09:00:00Z",
        "resolved_at": "2024-01-02T11:00:00Z", "answered_by": "a1", "tags": ["Refund"], "custom": {"region": "north"},
    },
    {"type": "message", "external_id": "m1", "case": "k1", "direction": "inbound", "author": "Rosa", "at": "2024-01-02T09:00:00Z", "text": "You took it twice."},
    {"type": "message", "external_id": "m2", "case": "k1", "direction": "outbound", "author": "ana", "at": "2024-01-02T09:30:00Z", "text": "Refunded."},
    {"type": "message", "external_id": "m3", "case": "k1", "direction": "note", "author": "gone", "at": "2024-01-02T10:00:00Z", "text": "Second time."},
    {"type": "event", "case": "k1", "kind": "escalated", "actor": "ana", "at": "2024-01-02T10:30:00Z", "data": {"level": 2}},
    {"type": "case", "external_id": "k2", "channel": "phone", "subject": "Slow line", "status": "open", "opened_at": "2024-02-01T09:00:00Z"},
]  # fmt: skip
Write = Callable[[list[Any]], Path]


def written(folder: Path, lines: list[Any]) -> Path:
    """A file of these lines, each JSON or as it is."""
    path = folder / "history.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def run(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    code = 0
    try:
        call_command("import", str(path), *options)
    except SystemExit as stop:
        code = int(stop.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


def everything() -> dict[str, int]:
    tables = (
        Customer,
        ContactPoint,
        Organization,
        Subscription,
        Order,
        Consent,
        Case,
        Message,
        Event,
        Article,
        Queue,
        Contact,
        ImportRun,
    )
    return {table.__name__: table.objects.count() for table in tables}
