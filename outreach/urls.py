"""Addresses of offers, known problems and notices."""

from django.urls import URLPattern, URLResolver, path

from outreach.views import linking, notices, offers, problems

app_name = "outreach"

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/<int:number>/offer/", offers.offer, name="offer"),
    path("cases/<int:number>/offer/trace/", offers.trace, name="offer_trace"),
    path("cases/<int:number>/offer/response/", offers.response, name="offer_response"),
    path("cases/<int:number>/problem/", linking.case_problem, name="case_problem"),
    path("problems/", problems.problems, name="problems"),
    path("problems/catalogue/", problems.catalogue, name="catalogue"),
    path("problems/<int:pk>/", problems.problem, name="problem"),
    path("problems/<int:pk>/standing/", problems.standing, name="standing"),
    path("problems/<int:pk>/examples/", problems.examples, name="examples"),
    path("problems/<int:pk>/wording/", problems.wording, name="wording"),
    path("problems/<int:pk>/condition/", problems.condition, name="condition"),
    path("problems/<int:pk>/preview/", problems.preview, name="preview"),
    path("problems/<int:pk>/cases/", problems.cases, name="problem_cases"),
    path("problems/<int:pk>/closing/", problems.closing, name="closing"),
    path("problems/<int:pk>/reopening/", problems.reopening, name="reopening"),
    path("problems/<int:pk>/notices/", notices.writing, name="writing"),
    path("notices/<int:pk>/", notices.notice, name="notice"),
    path("notices/<int:pk>/words/", notices.notice_words, name="notice_words"),
    path("notices/<int:pk>/mail/", notices.notice_mail, name="notice_mail"),
    path("notices/<int:pk>/progress/", notices.notice_progress, name="notice_progress"),
    path("notices/<int:pk>/approval/", notices.notice_approval, name="notice_approval"),
    path("notices/<int:pk>/pause/", notices.notice_pause, name="notice_pause"),
    path("notices/<int:pk>/resumption/", notices.notice_resumption, name="notice_resumption"),
    path("notices/<int:pk>/stop/", notices.notice_stop, name="notice_stop"),
    path("notices/<int:pk>/deliveries/", notices.notice_deliveries, name="notice_deliveries"),
    path("notices/deliveries/<int:pk>/repeat/", notices.delivery_repeat, name="delivery_repeat"),
]
