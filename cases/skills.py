"""The skills a case is said by hand to need; those it needs by itself are rules (cases.matching)."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from cases.models import Case, CaseSkill, Skill
from crm.models import User


@transaction.atomic
def ask_for(
    case: Case, skills: Collection[Skill], *, by: User | None, at: datetime | None = None, via: str = "person"
) -> None:
    """It needs these, and no others by hand; quiet if so already."""
    case.lock()
    wanted = {skill.pk for skill in skills}
    held = set(CaseSkill.objects.filter(case=case).values_list("skill_id", flat=True))
    if wanted == held:
        return
    CaseSkill.objects.filter(case=case).exclude(skill__in=wanted).delete()
    CaseSkill.objects.bulk_create([CaseSkill(case=case, skill_id=pk) for pk in sorted(wanted - held)])
    case.record("skills_set", by=by, at=at, via=via, skills=sorted(wanted))
