"""Which skills a case is said to need, beside those it needs by itself."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import skills
from cases.forms import SkillsForm, checked
from cases.models import CaseSkill, Skill
from cases.views.saying import ask, changed, find, guarded, require
from crm.http import StaffRequest


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def needed(request: StaffRequest, number: int) -> HttpResponse:
    """All of them, those ticked that were said before."""
    case = find(request.user, number)
    if request.method == "GET":
        held = set(CaseSkill.objects.filter(case=case).values_list("skill_id", flat=True))
        return ask(request, case, "skills", skills=Skill.objects.filter(is_active=True), held=held)
    require(request.user, "skills", case)
    skills.ask_for(case, checked(SkillsForm(request.POST))["skills"], by=request.user)
    return changed(request, case, _("#%(number)s goes to somebody who can do that.") % {"number": number})
