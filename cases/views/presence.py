"""How one is there, said in the rail: the control itself, and what it sends."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cases.forms import PresenceForm, checked
from cases.models import Presence
from cases.views.saying import guarded
from crm.http import StaffRequest


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def mine(request: StaffRequest) -> HttpResponse:
    """How I am there: shown again, or said."""
    if request.method == "POST":
        said = checked(PresenceForm(request.POST))
        Presence.objects.of(request.user).choose(said["state"], said["reason"], by=request.user)
    if not request.htmx:
        return redirect("cases:home")
    return render(request, "cases/_standing.html", {"presence": Presence.objects.known(request.user)})
