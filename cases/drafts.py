"""What somebody is writing, kept on the server so that nothing typed is ever lost."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import Case, Draft, Promise
from crm.database.prepared import Prepared
from crm.models import User
from customers.folding import clean

KINDS = ("reply", "note", "whisper")


def save(
    case: Case,
    *,
    author: User,
    kind: str,
    text: str,
    is_answer: bool = False,
    next_step: str = "",
    by_when: str = "",
    moves: int | None = None,
    written_against: int = 0,
    at: datetime | None = None,
) -> Draft | None:
    """Keep the draft of this author, case and kind as it now reads; an empty one is no draft. One upsert, no lock."""
    if kind not in KINDS:
        raise ValueError(f"a draft is one of {', '.join(KINDS)}")
    if not text.strip() and not next_step.strip():
        discard(case, author=author, kind=kind)
        return None
    draft, _fresh = Draft.objects.update_or_create(
        author=author,
        case=case,
        kind=kind,
        defaults={
            "text": clean(text),
            "is_answer": is_answer,
            "next_step": clean(next_step)[:300],
            "by_when": clean(by_when)[:60],
            "moves": Promise.objects.filter(pk=moves, case=case).first() if moves else None,
            "written_against": written_against,
            "saved_at": at or timezone.now(),
        },
    )
    return draft


def discard(case: Case, *, author: User, kind: str) -> None:
    Draft.objects.filter(case=case, author=author, kind=kind).delete()


def of(case: Case, author: User) -> tuple[dict[str, Draft], list[Draft]]:
    """The author's drafts in this case, by kind; and what else they were writing in cases that were merged into it."""
    found = _OF(case.pk, author.pk)
    here = {draft.kind: draft for draft in found if draft.case_id == case.pk}
    return here, [draft for draft in found if draft.case_id != case.pk and draft.text]


def _of(case: int, author: int) -> QuerySet[Draft]:
    return Draft.objects.filter(Q(case=case) | Q(case__merged_into=case), author=author).select_related("case")


_OF = Prepared(_of, int, int)
