"""Every address of the API."""

from django.urls import URLPattern, URLResolver, path, re_path
from drf_spectacular.views import SpectacularAPIView

from cases.api import answers, cases, doings, log, messages, settings
from crm import api_docs
from customers import api as customers
from outreach.api import offers

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_docs.page, name="api_docs"),
    path("me/", answers.me),
    path("customers/", customers.customers),
    path("customers/<int:pk>/", customers.customer),
    path("customers/<int:pk>/timeline/", customers.timeline),
    path("organizations/", customers.organizations),
    path("organizations/<int:pk>/", customers.organization),
    path("products/", customers.products),
    path("products/<int:pk>/", customers.product),
    path("subscriptions/", customers.subscriptions),
    path("subscriptions/<int:pk>/", customers.subscription),
    path("consents/", customers.consents),
    path("queues/", settings.queues),
    path("queues/<int:pk>/", settings.queue),
    path("queues/<int:pk>/members/", settings.members),
    path("queues/<int:pk>/members/<int:user>/", settings.member),
    path("calendars/", settings.calendars),
    path("calendars/<int:pk>/", settings.calendar),
    path("sla-policies/", settings.policies),
    path("sla-policies/<int:pk>/", settings.policy),
    path("cases/", cases.cases),
    path("cases/<int:number>/", cases.case),
    path("cases/<int:number>/messages/", messages.messages),
    path("cases/<int:number>/assignment/", doings.assignment),
    path("cases/<int:number>/status/", doings.status),
    path("cases/<int:number>/resolution/", doings.resolution),
    path("cases/<int:number>/need/", doings.need),
    path("cases/<int:number>/messages/<int:pk>/feeling/", doings.feeling),
    path("cases/<int:number>/offer/", offers.case_offer),
    path("cases/<int:number>/offer/response/", offers.case_response),
    path("cases/<int:number>/promises/", doings.promises),
    path("cases/<int:number>/clocks/", doings.clocks),
    path("cases/<int:number>/events/", doings.events),
    path("events/", log.events),
    path("articles/", answers.articles),
    path("articles/<int:pk>/", answers.article),
    path("answers/suggest/", answers.suggest),
    path("search/", answers.search),
    path("offers/", offers.offers),
    path("offers/preview/", offers.preview),
    path("offers/<int:pk>/", offers.offer),
    path("decisions/", offers.decisions),
    path("decisions/<int:pk>/", offers.decision),
    re_path(r"", api_docs.nothing),
]
