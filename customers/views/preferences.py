"""The page on which a customer says what we may write about. The link is the key: no sign-in, no cookie."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.languages import spoken
from crm.secrets import Unreadable
from customers import preferences as choosing
from customers.models import Customer


@csrf_exempt  # the token in the address is the right to post; a mail program posts without cookies (RFC 8058)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows and changes nothing, whoever's scanner follows the link; POST changes at once."""
    try:
        customer, purpose = choosing.read(token)
    except Unreadable as error:
        raise Http404 from error
    with translation.override(spoken(customer.language)):
        response = _changed(request, customer, purpose) if request.method == "POST" else _shown(request, customer)
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _changed(request: HttpRequest, customer: Customer, purpose: str) -> HttpResponse:
    now = timezone.now()
    if request.POST.get("List-Unsubscribe") == "One-Click":
        choosing.stop(customer, purpose, now, source="unsubscribe")
        return HttpResponse(status=200)
    if "nothing" in request.POST:
        choosing.stop(customer, "", now)
    elif not choosing.choose(customer, request.POST, now):
        return _shown(request, customer, status=429)
    return redirect(f"{request.path}?saved=1")


def _shown(request: HttpRequest, customer: Customer, status: int = 200) -> HttpResponse:
    context = {
        "rows": choosing.choices(customer, timezone.now()),
        "is_saved": request.GET.get("saved") == "1",
        "is_too_much": status == 429,
    }
    return render(request, "customers/preferences.html", context, status=status)
