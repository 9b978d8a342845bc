"""Issues: the contacts of one customer about one thing, in any channel and number of cases (docs/issues.md).

Every case of a customer has one, at first of its own. A person says that two cases are about one thing (`join`) or not
(`part`, `leave`); merging two cases says it too. What a case's lock protects includes its issue: the others of an issue are
written by its key, cases before contacts, so that a contact begun meanwhile goes along.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, OuterRef, Q, Value, When
from django.db.models import Case as Either
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import sameness, transitions
from cases.models import Case, CaseLink, CaseMerge, Contact, FieldValue, Issue, Message
from cases.models.case import Refusal, lock_all
from cases.models.case_rows import CaseQuerySet
from cases.sight import Sight
from crm.database.deadlocks import transacted
from crm.models import Event, User
from customers.merging import current

APART = "not_same"  # a kind of CaseLink: somebody said that these two are not about one thing; the lower key first
SPLIT = "split_from"
WITHIN = timedelta(days=sameness.DAYS)
MOST = 30  # cases of one customer that are compared
_TEXTS, _LONGEST = 3, 2000  # of a case: so many first messages, so many characters of each


# --- what is probably one thing


@dataclass(frozen=True)
class Beside:
    """Another case of the customer beside this one: of the same issue, or how probably it is."""

    case: Case
    is_same: bool
    score: float

    @property
    def is_probable(self) -> bool:
        return not self.is_same and self.score >= sameness.PROBABLE


def telling() -> dict[str, ArraySubquery]:
    """What is read with a case to compare it."""
    said = Message.objects.filter(case=OuterRef("pk"), direction=Message.Direction.INBOUND, is_auto=False)
    about = FieldValue.objects.filter(case=OuterRef("pk"), subscription__isnull=False)
    return {
        "said": ArraySubquery(said.order_by("at", "pk").values(start=Left("text", _LONGEST))[:_TEXTS]),
        "about": ArraySubquery(about.values("subscription__product")),
    }


def beside(case: Case, user: User, *, now: datetime | None = None) -> list[Beside]:
    """The customer's other cases that `user` may see, in one query: those of the same issue first, then those that are
    probably about the same thing, then the newest. `case` was read with `telling`."""
    if case.customer_id is None:
        return []
    since = (now or timezone.now()) - WITHIN
    rows = _OTHERS(user, case.customer_id, case.pk, case.issue_id or 0)
    scores = sameness.scores(_told(case), [_told(row) for row in rows])
    found = [_beside(case, row, score, since) for row, score in zip(rows, scores, strict=True)]
    return sorted(found, key=lambda each: (not each.is_same, not each.is_probable))


def proposals(case: Case, user: User, *, now: datetime | None = None) -> list[Beside]:
    """Of the customer's cases of the last 60 days those that are probably about the same thing, the likeliest first."""
    read = Case.objects.annotate(**telling()).get(pk=case.pk)
    probable = [each for each in beside(read, user, now=now) if each.is_probable]
    return sorted(probable, key=lambda each: -each.score)


def _beside(case: Case, row: Any, score: float, since: datetime) -> Beside:
    is_same = row.issue_id is not None and row.issue_id == case.issue_id
    is_out = row.is_apart or row.opened_at < since or row.status == transitions.SPAM
    return Beside(row, is_same, 0.0 if is_same or is_out else score)


def _others(user: User, customer: int, but: int, issue: int) -> CaseQuerySet:
    """Those of the issue before the newest, however old."""
    pairs = Q(case=OuterRef("pk"), other=but) | Q(other=OuterRef("pk"), case=but)
    apart = CaseLink.objects.filter(pairs, kind__in=(APART, SPLIT))
    same = Either(When(issue=issue, then=Value(True)), default=Value(False), output_field=BooleanField())
    seen = Case.objects.visible_to(user).filter(customer=customer, merged_into=None).exclude(pk=but)
    return seen.annotate(**telling(), is_apart=Exists(apart), same=same).order_by("-same", "-opened_at", "-pk")[:MOST]


_OTHERS = Sight(_others, int, int, int)


def _told(case: Any) -> sameness.Told:
    return sameness.Told((case.subject, *case.said), case.opened_at, frozenset(case.tags), frozenset(case.about))


# --- what a person says


def join(case: Case, other: Case, *, by: User, at: datetime | None = None, via: str = "person") -> bool:
    """Say that the two are about one thing: their issues become one, the one with fewer cases goes into the other. Whether
    that was news. Raises Refusal where they are not one customer's, or one is spam or merged."""
    return transacted(lambda: _join(case, other, by, at or timezone.now(), via))


def part(case: Case, other: Case, *, by: User, at: datetime | None = None, via: str = "person") -> bool:
    """Say that the two are not about one thing: one of them leaves the issue if they share it, and it is not proposed again.
    Whether that was news."""
    return transacted(lambda: _part(case, other, by, at or timezone.now(), via))


def leave(case: Case, *, by: User, at: datetime | None = None, via: str = "person") -> bool:
    """Say that a case is a thing of its own: it goes back to the issue it came from, if nothing else is in that, or to a new
    one. Quiet if it is alone. Whether that was news."""
    return transacted(lambda: _leave(case, by, at or timezone.now(), via))


def _join(case: Case, other: Case, by: User, now: datetime, via: str) -> bool:
    if case.pk == other.pk:
        raise Refusal(_("Choose another case: this is the same one."))
    lock_all(case, other)
    for each in (case, other):
        _must_live(each)
    if current(case.customer).pk != current(other.customer).pk:  # type: ignore[arg-type]
        raise Refusal(_("These are cases of two customers. If that is one person, merge the records."))
    _links(case, other).delete()
    if case.issue_id is not None and case.issue_id == other.issue_id:
        return False
    goes, stays = (case, other) if _size(case) <= _size(other) else (other, case)
    into = stays.issue_id or _own(stays, now)
    was, moved = goes.issue_id, _move(goes, into)
    for row in _afresh(moved, case, other):
        with_whom = stays if row.pk == goes.pk else goes
        row.record("issue_joined", by=by, at=now, via=via, issue=into, was=was, other=with_whom.number)
    stays.record("issue_joined", by=by, at=now, via=via, issue=into, was=into, other=goes.number)
    return True


def _part(case: Case, other: Case, by: User, now: datetime, via: str) -> bool:
    if case.pk == other.pk:
        raise Refusal(_("Choose another case: this is the same one."))
    lock_all(case, other)
    one, two = sorted((case, other), key=lambda each: each.pk)
    _said, is_news = CaseLink.objects.get_or_create(case=one, other=two, kind=APART)
    was = case.issue_id
    if was is not None and was == other.issue_id:
        leaving = case if _former(case) or not _former(other) else other
        _go(leaving, now)
        is_news = True
    if is_news:
        for mine, theirs in ((case, other), (other, case)):
            mine.record("issue_left", by=by, at=now, via=via, issue=mine.issue_id, was=was, other=theirs.number)
    return is_news


def _leave(case: Case, by: User, now: datetime, via: str) -> bool:
    case.lock()
    was = case.issue_id
    if was is None or not Case.objects.filter(issue=was, merged_into=None).exclude(pk=case.pk).exists():
        return False
    _go(case, now)
    case.record("issue_left", by=by, at=now, via=via, reason="alone", issue=case.issue_id, was=was)
    return True


def _must_live(case: Case) -> None:
    if case.customer_id is None:
        raise Refusal(_("Nobody has said whose #%(number)s is. Say it first.") % {"number": case.number})
    if case.status in {transitions.SPAM, transitions.MERGED}:
        told = {"number": case.number, "status": case.get_status_display()}
        raise Refusal(_("#%(number)s is %(status)s: it is about nothing of its own.") % told)


def _links(case: Case, other: Case) -> Any:
    pair = sorted((case.pk, other.pk))
    return CaseLink.objects.filter(case=pair[0], other=pair[1], kind=APART)


def _size(case: Case) -> int:
    return Case.objects.filter(issue=case.issue_id).count() if case.issue_id else 1


def _afresh(moved: list[int], *known: Case) -> list[Case]:
    """The cases that moved, those at hand by the very rows at hand."""
    held = {case.pk: case for case in known}
    rest = Case.objects.filter(pk__in=moved, merged_into=None).exclude(pk__in=held).order_by("pk")
    for row in rest:
        row.lock()
        held[row.pk] = row
    return [held[pk] for pk in moved if pk in held]


# --- how cases come from one issue into another


def _own(case: Case, now: datetime) -> int:
    """A new issue for a case of a customer."""
    issue = Issue(opened_at=min(case.opened_at, now))
    issue.customer = case.customer  # type: ignore[assignment] # whoever has an issue, or may join one, is somebody's
    issue.save()
    _alone(case, issue.pk)
    return issue.pk


def _move(case: Case, into: int) -> list[int]:
    """The case, with every other of its issue, into that one; which they are."""
    was = case.issue_id
    if was is None:
        _alone(case, into)
        return [case.pk]
    cases = sorted(Case.objects.filter(issue=was).values_list("pk", flat=True))
    Case.objects.filter(pk__in=cases, issue=was).update(issue=into)
    Contact.objects.filter(issue=was).update(issue=into)
    _set(case, into)
    return cases


def _alone(case: Case, into: int) -> None:
    """The case with its contacts and those of the cases that were merged into it."""
    whole = _with_merged(case.pk)
    Case.objects.filter(pk__in=whole).update(issue=into)
    Contact.objects.filter(case__in=whole).update(issue=into)
    _set(case, into)


def _set(case: Case, into: int | None) -> None:
    case.issue_id = into
    case._state.fields_cache.pop("issue", None)


def _with_merged(pk: int) -> list[int]:
    found, fresh = [pk], [pk]
    while fresh:
        fresh = list(Case.objects.filter(merged_into__in=fresh).values_list("pk", flat=True))
        found += fresh
    return found


def _go(case: Case, now: datetime) -> None:
    former = _former(case)
    if former is not None:
        _alone(case, former)
    else:
        _own(case, now)


def _former(case: Case) -> int | None:
    """The issue it came from by the last word about it, if that has no case now."""
    told = Event.objects.filter(stream="case", stream_id=case.pk, kind="issue_joined", data__issue=case.issue_id)
    last = told.order_by("-version").first()
    was = last.data.get("was") if last else None
    if was is None or was == case.issue_id or Case.objects.filter(issue=was).exists():
        return None
    return Issue.objects.filter(pk=was).values_list("pk", flat=True).first()


# --- when cases are merged


def unite(gone: Case, kept: Case) -> dict[str, Any]:
    """Two cases that become one are about one thing: what moved, to be stored with the merge. Both are locked."""
    was, into = gone.issue_id, kept.issue_id
    if into is None or was == into:
        return {}
    rows = Contact.objects.filter(issue=was) if was else gone.contacts.filter(issue=None)
    contacts = sorted(rows.values_list("pk", flat=True))
    return {"was": was, "into": into, "cases": _move(gone, into), "contacts": contacts}


def give_back(done: CaseMerge, moved: dict[str, Any]) -> None:
    """The issue it was of, for the case that went, whatever happened since; for others what nobody changed since."""
    if not moved:
        return
    was, into = moved["was"], moved["into"]
    Case.objects.filter(pk=done.gone_id).update(issue=was)
    _set(done.gone, was)
    Case.objects.filter(pk__in=moved["cases"], issue=into).update(issue=was)
    of_them = Q(issue=into) | Q(case=done.gone_id)
    Contact.objects.filter(of_them, pk__in=moved["contacts"]).update(issue=was)
