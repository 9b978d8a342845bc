"""One click out. The link is the key: no sign-in, no cookie, and the same answer whether the link was good or not."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.languages import spoken
from customers import preferences as choosing
from customers import unsubscribe as leaving
from customers.models import Consent


@csrf_exempt  # the token in the address is the right to post; a mail program posts without cookies (RFC 8058)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page with a button, whoever's scanner follows the link; the one word posted stops it at once."""
    ticket = leaving.read(token)
    language = spoken(ticket.customer.language) if ticket and ticket.customer else translation.get_language()
    is_stopped = request.method == "POST" and dict(request.POST.lists()) == leaving.ONE_CLICK
    if ticket and is_stopped:
        leaving.stop(ticket, timezone.now())
    with translation.override(language):
        response = render(request, "customers/unsubscribe.html", _shown(ticket, is_stopped=is_stopped))
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _shown(ticket: leaving.Ticket | None, *, is_stopped: bool) -> dict[str, object]:
    known = ticket.customer if ticket and ticket.customer and ticket.customer.erased_at is None else None
    return {
        "is_stopped": is_stopped,
        "what": Consent.Purpose(ticket.purpose).label if ticket else "",
        "preferences": choosing.link(known) if known else "",
    }
