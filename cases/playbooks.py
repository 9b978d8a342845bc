"""Guided steps in a case: begun, taken one after the other, left (docs/playbooks.md).

What comes next is the first step nobody has taken. Another is refused, or taken with a reason that stays."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, Playbook, PlaybookRun, PlaybookStep
from cases.models.case import Refusal
from cases.models.playbook import Step
from crm.models import User
from customers.folding import clean


@dataclass(frozen=True)
class Way:
    """How far a case has come: each step with how it was taken, and which is next."""

    run: PlaybookRun
    steps: list[tuple[Step, PlaybookStep | None]]

    @property
    def next(self) -> Step | None:
        return next((step for step, taken in self.steps if taken is None), None)


def of(case: Case) -> Way | None:
    """The playbook the case is in; None where it is in none."""
    run = PlaybookRun.objects.filter(case=case, ended_at=None).select_related("version__playbook").first()
    return way(run) if run else None


def way(run: PlaybookRun) -> Way:
    taken = {row.key: row for row in run.taken.select_related("by")}
    return Way(run, [(step, taken.get(step.key)) for step in run.version.told])


@transaction.atomic
def start(
    case: Case, playbook: Playbook, *, by: User | None, at: datetime | None = None, via: str = "person"
) -> PlaybookRun:
    """From its first step. Beginning the one that runs again is quiet; another is refused until this one is left."""
    case.lock()
    if case.status == Case.Status.MERGED:
        raise Refusal(_("Case #%(number)s was merged: write in the one it goes on in.") % {"number": case.number})
    there = PlaybookRun.objects.filter(case=case, ended_at=None).select_related("version__playbook").first()
    if there and there.version.playbook_id == playbook.pk:
        return there
    if there:
        raise Refusal(_("“%(name)s” runs here: finish or leave it first.") % {"name": there.version.playbook})
    if not playbook.is_active or playbook.current is None:
        raise Refusal(_("“%(name)s” is not in use any more.") % {"name": playbook})
    run = PlaybookRun.objects.create(
        case=case, version=playbook.current, started_by=by, started_at=at or timezone.now()
    )
    case.record(
        "playbook_started", by=by, at=at, via=via, playbook=playbook.pk, version_of_playbook=playbook.current.number
    )
    return run


@transaction.atomic
def take(
    run: PlaybookRun, key: str, *, by: User | None, reason: str = "", at: datetime | None = None, via: str = "person"
) -> PlaybookStep:
    """This step is done. Quiet if it was; the last one ends the playbook."""
    case = run.case
    case.lock()
    run.refresh_from_db(fields=["ended_at"])
    found = way(run)
    taken = {step.key: row for step, row in found.steps}
    if key not in taken:
        known = ", ".join(taken)
        raise Refusal(_("There is no step %(key)s here. There are: %(known)s.") % {"key": key, "known": known})
    if (done := taken[key]) is not None:
        return done
    if run.ended_at is not None or found.next is None:
        raise Refusal(_("“%(name)s” has ended here.") % {"name": run.version.playbook})
    reason = clean(reason).strip()[:300]
    early = found.next.key != key
    if early and not reason:
        raise Refusal(_("Next is “%(next)s”: do that first, or say why not.") % {"next": found.next.label})
    step = PlaybookStep.objects.create(run=run, key=key, by=by, at=at or timezone.now(), reason=reason if early else "")
    case.record("playbook_step", by=by, at=at, via=via, run=run.pk, step=key, early=early)
    if all(row is not None or step_.key == key for step_, row in found.steps):
        _end(run, by, at, via, left=0)
    return step


@transaction.atomic
def leave(run: PlaybookRun, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
    """No more of it here; what was done stays. Quiet if it has ended."""
    run.case.lock()
    run.refresh_from_db(fields=["ended_at"])
    if run.ended_at is None:
        _end(run, by, at, via, left=sum(row is None for _step, row in way(run).steps))


def _end(run: PlaybookRun, by: User | None, at: datetime | None, via: str, *, left: int) -> None:
    run.ended_at = at or timezone.now()
    run.save(update_fields=["ended_at"])
    run.case.record("playbook_ended", by=by, at=at, via=via, run=run.pk, left=left)
