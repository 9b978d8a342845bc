"""My devices: this browser hears of things when no page of ours is open, or no longer; and the worker that shows them."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cases import pushing
from cases.forms import DeviceForm, checked
from cases.models import PushDevice
from cases.models.refusals import Refusal
from cases.views.saying import guarded
from crm import outbound
from crm.http import StaffRequest

_WORKER = Path(settings.BASE_DIR) / "static/js/push/worker.js"


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root because it works for all pages below the place it comes from."""
    answer = HttpResponse(_WORKER.read_bytes(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@login_required
@require_POST
@guarded
def devices(request: StaffRequest) -> HttpResponse:
    """This browser is mine: tell me here. Asked again by itself after each sign-in."""
    given = checked(DeviceForm(request.POST))
    try:
        pushing.known(request.user, session=request.session.session_key or "", **given)
    except outbound.Forbidden:
        raise Refusal(_("The push service of this browser is at an address we do not call.")) from None
    except outbound.Unresolved:
        raise Refusal(_("The push service of this browser cannot be found now. Try again later.")) from None
    return HttpResponse(status=204)


@login_required
@require_POST
def device(request: StaffRequest, pk: int) -> HttpResponse:
    """Send it something to see that it works; off=1: no longer tell me there."""
    found = get_object_or_404(PushDevice, pk=pk, user=request.user)
    if request.POST.get("off"):
        found.delete()
    else:
        pushing.try_out(found, timezone.now())
    return redirect("cases:news_settings")
