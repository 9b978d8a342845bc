"""The doors of the house: signing in and out, its health, the demo's sent mail, and what it says when it cannot serve."""

import hmac
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from crm import health, sink
from crm.http import StaffRequest
from crm.models import SentMail

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The one way in: the session gets a new key, the next page must be ours."""
    target = _own_page(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = AuthenticationForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return redirect(target)
    status = 422 if request.method == "POST" else 200
    return render(request, "crm/sign_in.html", {"form": form, "next": request.GET.get("next", "")}, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign_in")


def locked_out(request: HttpRequest, *answer_and_credentials: Any) -> HttpResponse:
    """Too many wrong passwords for this name from this address (AXES_LOCKOUT_CALLABLE)."""
    response = error_page(request, 429)
    response["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME * 3600))
    return response


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"live": True})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when users can be served, else 503 with the reasons."""
    answer = health.as_json(health.readiness())
    response = JsonResponse(answer, status=200 if answer["ready"] else 503)
    response._has_been_logged = True  # type: ignore[attr-defined] # whoever asks every second knows already
    return response


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for a scraper with METRICS_TOKEN, or without one for whoever asks from this machine directly."""
    if not _may_scrape(request):
        raise Http404
    registry = CollectorRegistry()
    for name, value in health.gauges().items():
        Gauge(f"forefront_{name}", name.replace("_", " "), registry=registry).set(value)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@login_required
@require_safe
def sent(request: StaffRequest) -> HttpResponse:
    """The demo's sent mail that the viewer may read, newest first. A real installation has no such page."""
    page = Paginator(_sent_mail(request), 50).get_page(request.GET.get("page"))
    return render(request, "crm/sent.html", {"page": page})


@login_required
@require_safe
def sent_mail(request: StaffRequest, pk: int) -> HttpResponse:
    return render(request, "crm/sent_mail.html", {"mail": get_object_or_404(_sent_mail(request), pk=pk)})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token was missing or old (CSRF_FAILURE_VIEW)."""
    text = _("What you entered was not taken over. Go back, reload the page and try again.")
    return error_page(request, 403, text, heading=_("This page was open for too long"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500)


def error_page(request: HttpRequest, status: int, text: str = "", heading: str = "") -> HttpResponse:
    """A plain page, or a problem document where a program asked (RFC 9457)."""
    title, advice = _words(status)
    title = heading or title
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": text or advice}
        return JsonResponse(problem, status=status, content_type="application/problem+json")
    return render(
        request, "crm/error.html", {"status": status, "heading": title, "text": text or advice}, status=status
    )


def _words(status: int) -> tuple[str, str]:
    return {
        400: (_("That request made no sense"), _("Go back and try again.")),
        403: (_("Not yours to see"), _("Ask your supervisor if you should be able to.")),
        404: (_("Nothing here"), _("It does not exist, or it is not yours to see.")),
        429: (_("Too many tries"), _("Wait a quarter of an hour, then try again.")),
        503: (_("Back in a moment"), _("The service cannot answer just now. Try again shortly.")),
    }.get(status, (_("Something went wrong on our side"), _("Nothing you entered was half done. Try again shortly.")))


def _own_page(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    direct = not any(name in request.META for name in _FORWARDED)
    return direct and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}


def _sent_mail(request: StaffRequest) -> QuerySet[SentMail]:
    if not settings.DEMO:
        raise Http404
    return sink.visible_to(request.user).order_by("-id")
