"""All that is in cases that may be merged, to hold one moment against another."""

from typing import Any

from cases.merged_state import FIELDS
from cases.models import Case, CaseSearch

_COLUMNS: dict[str, tuple[str, ...]] = {
    "messages": ("pk", "text", "case_version", "contact_id"),
    "contacts": ("pk", "channel", "customer_id", "issue_id", "ended_at"),
    "promises": ("pk", "state", "due_at", "owner_id"),
    "drafts": ("pk", "author_id", "kind", "text"),
    "watches": ("pk", "user_id"),
    "mentions": ("pk", "user_id", "seen_at"),
    "clocks": ("pk", "kind", "due_at", "warn_at", "breached_at", "met_at", "cancelled_at"),
}
_SHOWN = (
    "attention_at",
    "promise_due_at",
    "next_due_at",
    "send_state",
    "send_reason",
    "preview",
    "last_message_at",
    "merged_into_id",
    "issue_id",
)


def everything(*cases: Case) -> dict[int, dict[str, Any]]:
    """Each case by itself: its own columns, its words as they are found, and every row that may move."""
    return {case.pk: _one(Case.objects.get(pk=case.pk)) for case in cases}


def _one(case: Case) -> dict[str, Any]:
    columns = {name: getattr(case, name) for name in (*FIELDS, *_SHOWN)}
    words = str(CaseSearch.objects.filter(case=case).values_list("document", flat=True).first() or "")
    rows = {name: sorted(getattr(case, name).values_list(*kept)) for name, kept in _COLUMNS.items()}
    return {**columns, **rows, "words": words, "need": case.need_met_event.data if case.need_met_event else None}
