"""Following a case by one's own word."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import watching
from cases.views.saying import changed, find, guarded, require
from crm.http import StaffRequest


@login_required
@require_http_methods(["POST", "DELETE"])
@guarded
def following(request: StaffRequest, number: int) -> HttpResponse:
    """Hear of what happens in it (POST), or no longer (DELETE)."""
    case = find(request.user, number)
    require(request.user, "follow", case)
    if request.method == "DELETE":
        watching.unfollow(case, by=request.user)
        return changed(request, case, _("You no longer follow #%(number)s.") % {"number": number})
    watching.follow(case, by=request.user)
    return changed(request, case, _("You follow #%(number)s.") % {"number": number})
