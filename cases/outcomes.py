"""How a case ended is noted: what it was about, and what would have prevented it (docs/resolving.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cases.models import Case, Cause, Disposition
from cases.models.outcome import PARTS, asked, wanting
from cases.models.refusals import OutcomeWanted, Refusal
from crm import bulk
from crm.models import User

BATCH = 500
MODELS: dict[str, Any] = {"disposition": Disposition, "cause": Cause}


@dataclass(frozen=True)
class Part:
    """One question of the form: its name, its words, what may be chosen, what is chosen, and whether one must."""

    name: str
    label: str
    choices: list[Any]
    chosen: int | None
    must: bool


def parts(case: Case) -> list[Part]:
    """What the case's queue asks; what was said once may be corrected where it asks no more."""
    musts = asked(case)
    names = [name for name in PARTS if name in musts or getattr(case, f"{name}_id")]
    return [
        Part(
            name,
            str(PARTS[name]),
            list(MODELS[name].objects.offered(case.queue_id)),
            getattr(case, f"{name}_id"),
            musts.get(name, False),
        )
        for name in names
    ]


@transaction.atomic
def note(case: Case, *, by: User | None, at: datetime | None = None, via: str = "person", **said: Any) -> None:
    """Say (or correct, or with None take back) `disposition` or `cause`, rows of those models; what is not named stays. Quiet
    if it is so already. What is offered here no more is refused."""
    case.lock()
    if case.status in {Case.Status.SPAM, Case.Status.MERGED}:
        raise Refusal(
            _("Case #%(number)s is %(status)s.") % {"number": case.number, "status": case.get_status_display()}
        )
    new = {part: row for part, row in said.items() if getattr(case, f"{part}_id") != (row and row.pk)}
    if not new:
        return
    for part, row in new.items():
        if row is not None and not MODELS[part].objects.offered(case.queue_id).filter(pk=row.pk).exists():
            raise Refusal(_("“%(name)s” is not offered in this queue: choose another one.") % {"name": row.name})
        setattr(case, part, row)
    case.save(update_fields=[*new])
    case.record("outcome_noted", by=by, at=at, via=via, disposition=case.disposition_id, cause=case.cause_id)


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """The rows that ids of a form or a script name; what is empty is None, what is left out is left out. Refusal names what
    there is not."""
    found: dict[str, Any] = {}
    for part in PARTS:
        if part not in given:
            continue
        typed = str(given[part] if given[part] is not None else "").strip()
        pk = int(typed) if typed.isdecimal() and len(typed) < 19 else None
        found[part] = MODELS[part].objects.filter(pk=pk).first() if pk else None
        if typed and found[part] is None:
            words = {"part": PARTS[part], "id": typed[:20]}
            raise Refusal(_("There is no such answer to “%(part)s”: %(id)s.") % words)
    return found


def ask_before_resolving(case: Case) -> None:
    """Ask a person who could answer now: for what must be said, and once for what may be."""
    if missing := wanting(case, also_optional=True):
        raise OutcomeWanted(case, [str(PARTS[part]) for part in missing])


def may_be_left(case: Case) -> bool:
    """Whether it may be resolved without another word."""
    return not wanting(case)


def follow(now: datetime) -> int:
    """Cases that ended with what became another go on to that: those of a merge, and one that was given it in the very moment.
    A case somebody has in hand is left to the next turn."""
    return sum(_follow(part) for part in MODELS)


@transaction.atomic
def _follow(part: str) -> int:
    gone = dict(MODELS[part].objects.filter(merged_into__isnull=False).values_list("pk", "merged_into"))
    late = Case.objects.filter(**{f"{part}__in": gone}).select_for_update(of=("self",), skip_locked=True, no_key=True)
    rows = list(late.only("pk", part).order_by("pk")[:BATCH]) if gone else []
    for row in rows:
        setattr(row, f"{part}_id", gone[getattr(row, f"{part}_id")])
    bulk.write(rows, [part])
    return len(rows)
