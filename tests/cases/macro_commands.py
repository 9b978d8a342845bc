"""The commands of tests/cases/commands.py by which macros do several things at once."""

from typing import Any

from tests.builders import make_macro
from tests.cases.before import World, claimed, post
from tests.cases.registry import command

DESCRIBE = [
    {"do": "priority", "priority": "high"},
    {"do": "add_tags", "tags": ["refund"]},
    {"do": "note", "text": "{customer.first_name} rang"},
    {"do": "promise", "what": "Call back", "by_when": "in 3 h"},
    {"do": "snooze", "until": "in 2 h"},
]
ANSWER = [
    {"do": "reply", "texts": {"en": "It is on its way, {customer.first_name}."}, "send": True, "is_answer": True},
    {"do": "status", "status": "resolved"},
]


@command(
    "priority_changed",
    "tagged",
    "note_added",
    "promise_made",
    "snoozed",
    "macro_used",
    before=claimed,
    routes="cases/<int:number>/macros/<int:pk>/ api/cases/<int:number>/macros/<int:pk>/",
)
def _describe_by_macro(w: World) -> Any:
    return post(w, f"macros/{make_macro('Later', DESCRIBE, queues=[w.billing]).pk}/")


@command("reply_written", "macro_used", before=claimed)
def _answer_by_macro(w: World) -> Any:
    return post(w, f"macros/{make_macro('Refund', ANSWER).pk}/")


@command("transferred", "macro_used", before=claimed)
def _move_by_macro(w: World) -> Any:
    return post(w, f"macros/{make_macro('Theirs', [{'do': 'transfer', 'queue': w.technical.pk}]).pk}/")


@command("claimed", "status_changed", "macro_used")
def _take_by_macro(w: World) -> Any:
    steps = [{"do": "assign", "to": "me"}, {"do": "status", "status": "waiting_internal"}]
    return post(w, f"macros/{make_macro('Mine', steps).pk}/")
