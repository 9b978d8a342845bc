"""Two cases about one thing become one, and can become two again for a day. docs/merging.md tells the rules.

What was said, promised and owed moves to the case that is kept; what happened (its log) stays where it happened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from cases import merged_rows, merged_state, search, transitions
from cases.attention import refresh
from cases.hooks import cases_joined, cases_parted
from cases.models import Case, CaseMerge, Dispatch, Message, Promise
from cases.models.case import Refusal, lock_all
from cases.models.dispatch import UNSENT
from cases.models.merge import UNDO_WITHIN
from crm.database.deadlocks import transacted
from crm.models import User
from customers.merging import current


@dataclass(frozen=True)
class Preview:
    """What a merge would do: the sentence that forbids it, or else the counts of what moves and how `kept` would stand."""

    gone: Case
    kept: Case
    refusal: str
    messages: int
    notes: int
    promises: int
    outcome: merged_state.Outcome

    @property
    def changes(self) -> list[str]:
        """In words, what of the kept case itself comes to stand otherwise than now."""
        return self.outcome.changes(self.kept)


def preview(gone: Case, kept: Case) -> Preview:
    """What merging `gone` into `kept` would do now. Writes nothing."""
    said = Message.objects.filter(case=gone, taken_back_at=None)
    return Preview(
        gone,
        kept,
        _refusal(gone, kept),
        said.exclude(direction=Message.Direction.NOTE).count(),
        said.filter(direction=Message.Direction.NOTE).count(),
        gone.promises.filter(state="open").count(),
        merged_state.outcome(kept, gone),
    )


def candidates(case: Case, user: User, *, most: int = 8) -> list[Case]:
    """The customer's other open cases that `user` may see, newest first."""
    if case.customer_id is None:
        return []
    theirs = Case.objects.visible_to(user).active().filter(customer=case.customer_id).exclude(pk=case.pk)
    return list(theirs.select_related("queue", "assignee", "customer").order_by("-opened_at")[:most])


def merge(gone: Case, kept: Case, *, by: User, at: datetime | None = None, via: str = "person") -> CaseMerge:
    """Move everything said, promised and owed in `gone` to `kept`. Again returns the merge there is. Raises Refusal when
    the two are not one customer's, one of them is not open, or an answer of `gone` is on its way this very moment."""
    return transacted(lambda: _merge(gone, kept, by, at or timezone.now(), via))


def undo(done: CaseMerge, *, by: User, at: datetime | None = None, via: str = "person") -> None:
    """Make two of them again: exactly what moved moves back, and what the merge changed reads as before, unless somebody
    has changed it since. Quiet if it was undone. Raises Refusal after a day, or while the kept case is merged itself."""
    transacted(lambda: _undo(done, by, at or timezone.now(), via))


def standing(gone: Case) -> CaseMerge | None:
    """The merge by which this case went."""
    return CaseMerge.objects.filter(gone=gone, undone_at=None).select_related("kept__queue", "gone").first()


# --- under the locks


def _merge(gone: Case, kept: Case, by: User, now: datetime, via: str) -> CaseMerge:
    if gone.pk != kept.pk:
        lock_all(gone, kept)
        done = standing(gone)
        if done is not None and done.kept_id == kept.pk:
            return done
    if refusal := _refusal(gone, kept):
        raise Refusal(refusal)
    both = merged_state.Both.before(kept, gone)
    wanted = merged_state.outcome(kept, gone)
    done = CaseMerge.objects.create(kept=kept, gone=gone, by=by, at=now)
    moved = merged_rows.move(gone, kept, now)
    owed = moved[Promise._meta.label]
    search.join(kept, gone)
    gone.merged_into = kept
    gone.save(update_fields=["merged_into"])
    gone.change_status(transitions.MERGED, by=by, at=now, via=via, merge=done.pk, into=kept.number, promises=owed)
    wanted.reach(kept, by=by, at=now, via=via)
    merged_state.look_again(gone)
    merged_state.look_again(kept)
    cases_joined.collect(kept, gone, by)
    told = kept.record("took_in", by=by, at=now, via=via, merge=done.pk, gone=gone.number, promises=owed)
    merged_rows.news(moved, told.version)
    refresh(gone)
    done.moved, done.stood = moved, both.against(kept)
    done.save(update_fields=["moved", "stood"])
    return done


def _refusal(gone: Case, kept: Case) -> str:
    return next((sentence for sentence in _refusals(gone, kept) if sentence), "")


def _refusals(gone: Case, kept: Case) -> Iterator[str]:
    if gone.pk == kept.pk:
        yield _("Choose another case: this is the same one.")
    for case in (gone, kept):
        if not case.is_active:
            yield _("#%(number)s is %(status)s: only open cases can be merged.") % {
                "number": case.number,
                "status": case.get_status_display(),
            }
    yield _whose(gone, kept)
    if Dispatch.objects.filter(message__case=gone, state__in=UNSENT).exists():
        yield _("An answer of #%(number)s is on its way: wait a moment, then merge.") % {"number": gone.number}


def _whose(gone: Case, kept: Case) -> str:
    """Nobody reads another's words by a merge."""
    if gone.customer is None:
        return ""
    if kept.customer is None:
        return _("Nobody has said whose #%(number)s is. Say it first, or merge the other way round.") % {
            "number": kept.number
        }
    if current(gone.customer).pk != current(kept.customer).pk:
        return _(
            "These are cases of two customers, %(one)s and %(other)s. If that is one person, merge the records."
        ) % {
            "one": gone.customer,
            "other": kept.customer,
        }
    return ""


def _undo(done: CaseMerge, by: User, now: datetime, via: str) -> None:
    gone, kept = Case.objects.get(pk=done.gone_id), Case.objects.get(pk=done.kept_id)
    lock_all(gone, kept)
    done.refresh_from_db()
    if done.undone_at is not None:
        return
    if now - done.at > UNDO_WITHIN:
        raise Refusal(_("A merge can be undone for a day. To part them now, split messages off."))
    if kept.status == transitions.MERGED:
        raise Refusal(_("#%(number)s was merged itself since: undo that first.") % {"number": kept.number})
    both = merged_state.Both(**done.stood)
    owed = merged_rows.give_back(done)
    gone.merged_into = None
    gone.save(update_fields=["merged_into"])
    both.give_back(kept, gone, since=done.at)
    for case in (kept, gone):
        search.rebuild(case)
        merged_state.look_again(case)
    cases_parted.collect(kept, gone, by)
    told: dict[str, Any] = {"by": by, "at": now, "via": via, "merge": done.pk, "promises": owed}
    gone.record("unmerged", **told, kept=kept.number, **merged_state.told(gone))
    kept.record("gave_back", **told, gone=gone.number, **merged_state.told(kept))
    both.meet_again(kept, gone, by=by, at=now, via=via, since=done.at)
    done.undone_at, done.undone_by = now, by
    done.save(update_fields=["undone_at", "undone_by"])
