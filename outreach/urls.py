"""Addresses of offers, known problems and notices."""

from django.urls import URLPattern, URLResolver, path

from outreach.views import offers

app_name = "outreach"

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/<int:number>/offer/", offers.offer, name="offer"),
    path("cases/<int:number>/offer/trace/", offers.trace, name="offer_trace"),
    path("cases/<int:number>/offer/response/", offers.response, name="offer_response"),
]
