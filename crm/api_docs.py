"""/api/docs/, and what the API answers where there is nothing."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET


# Swagger UI's stylesheet holds its icons as data: images; everything else keeps to the house's policy.
@csp_update({"img-src": ["data:"]})
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document, readable."""
    return render(request, "crm/api_docs.html")


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """Addresses that are none speak problem details too."""
    body = {
        "type": "urn:forefront:problem:not_found",
        "title": "Not found",
        "status": 404,
        "detail": _("The API has no such address. Addresses end with a slash; /api/docs/ lists them."),
        "instance": request.path,
    }
    return JsonResponse(body, status=404, content_type="application/problem+json")
