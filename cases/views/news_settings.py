"""How I hear of things: by which reason in which way, when not, and by mail."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cases.models import Case, NotificationSettings, PushKeys
from cases.models.reasons import Way
from cases.news_forms import WaysForm, table
from cases.views.saying import where
from crm.http import StaffRequest


@login_required
@require_http_methods(["GET", "POST"])
def ways(request: StaffRequest) -> HttpResponse:
    """The page of it, and what it sends."""
    place = where()
    wants, _fresh = NotificationSettings.objects.get_or_create(user=request.user)
    form = WaysForm(request.POST or None, instance=wants)
    if request.method == "POST" and form.is_valid():
        wants.choose(**form.cleaned_data)
        return redirect(f"{request.path}?saved=1")
    muted = Case.objects.visible_to(request.user).filter(mutes__user=request.user).select_related("customer")
    context = {
        **place,
        "form": form,
        "table": table(request.user, wants.ways),
        "ways": Way,
        "wants": wants,
        "muted": muted.order_by("-mutes__at")[:50],
        "saved": "saved" in request.GET,
        "push_key": PushKeys.objects.ours().public,
        "devices": request.user.push_devices.order_by("-made_at"),
        "session": request.session.session_key,
    }
    return render(request, "cases/news_settings.html", context, status=422 if form.errors else 200)
