"""What every request and response has: the person's language and time zone, the admins' content policy."""

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django_htmx.middleware import HtmxDetails

from crm import stalls
from crm.languages import spoken
from crm.models import User


class StaffRequest(HttpRequest):
    """A request behind a sign-in, as views see it."""

    user: User
    htmx: HtmxDetails


class PersonMiddleware:
    """Show each signed-in person their own language and time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        with translation.override(_language(request, user)), timezone.override(_zone(user.tz)):
            return self.get_response(request)


def _language(request: HttpRequest, user: User) -> str:
    """Their own; the two admins are English whole rather than half translated."""
    return settings.LANGUAGE_CODE if request.path.startswith(("/admin/", "/system/")) else spoken(user.language)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


class AdminPolicyMiddleware:
    """The two admins run Alpine, which evaluates: they alone get the second content policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(("/admin/", "/system/")):
            response._csp_replace = settings.ADMIN_POLICY  # type: ignore[attr-defined]
        return response


class OwnNotFoundMiddleware:
    """With DEBUG on, Django answers an unknown address with a list of ours; whoever tries the product gets its own page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.DEBUG and response.status_code == 404 and b"<code>DEBUG = True</code>" in response.content:
            page: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(404)
            return page(request, exception=Http404())
        return response


def house(request: HttpRequest) -> dict[str, Any]:
    """What every template may use. What stands still is as this process last saw it (crm.live.watch): no query."""
    held = {"company": settings.COMPANY, "build": settings.BUILD, "demo": settings.DEMO}
    return {**held, "stalls": SimpleLazyObject(lambda: stalls.told(stalls.latest()))}
