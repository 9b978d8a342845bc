"""The customer's page of their case, by its link; and for a rep, what the customer sees and calling the links back."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cases import status_page
from cases import survey as surveys
from cases.contact_form import fresh_token
from cases.models.case import Refusal
from cases.status_form import StatusForm, add
from cases.views.saying import changed, find, guarded, require
from crm.http import StaffRequest
from crm.languages import spoken
from crm.limits import allow, network_of
from crm.secrets import Unreadable

LOOKS, LOOK_SECONDS = 240, 600  # by one network
WORDS, WORD_SECONDS = 20, 3600  # in one case


Answering = Callable[[HttpRequest, status_page.Visit], HttpResponse]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest, token: str) -> HttpResponse:
    """How it stands, and a word to add (POST). Nothing tells a link that was called back from one that never was."""
    return _by_link(request, token, _said if request.method == "POST" else _page)


@never_cache
@require_POST
def survey(request: HttpRequest, token: str) -> HttpResponse:
    """Whether it was solved, and how it felt, once it is done."""
    return _by_link(request, token, _answered)


def _by_link(request: HttpRequest, token: str, answering: Answering) -> HttpResponse:
    now = timezone.now()
    if not allow("status page", network_of(request), limit=LOOKS, seconds=LOOK_SECONDS, now=now):
        return _too_often(request, LOOK_SECONDS)
    try:
        visit = status_page.visit(token)
    except Unreadable:
        return _private(render(request, "cases/status_gone.html", status=404))
    with translation.override(spoken(visit.case.language)):
        return _private(answering(request, visit))


def _answered(request: HttpRequest, visit: status_page.Visit) -> HttpResponse:
    form = surveys.SurveyForm(request.POST, auto_id="survey_%s")
    if not visit.may_write:
        return _page(request, visit, survey=form, status=403)
    if not form.is_valid():
        return _page(request, visit, survey=form, status=422)
    now = timezone.now()
    if not allow("survey", str(visit.case.pk), limit=WORDS, seconds=WORD_SECONDS, now=now):
        return _too_often(request, WORD_SECONDS)
    try:
        surveys.answer(visit.case, form.said(), at=now)
    except Refusal as no:
        form.add_error(None, str(no))
        return _page(request, visit, survey=form, status=409)
    return redirect(f"{reverse('public:status', args=[_token(request)])}?answered=1")


def _token(request: HttpRequest) -> str:
    """Of the link they came by."""
    return str(request.resolver_match.kwargs["token"]) if request.resolver_match else ""


def _said(request: HttpRequest, visit: status_page.Visit) -> HttpResponse:
    form = StatusForm(request.POST, request.FILES)
    if not visit.may_write:
        form.add_error(None, _("You see what the customer sees. Only they can write here."))
        return _page(request, visit, form, status=403)
    if not form.is_valid():
        return _page(request, visit, form, status=422)
    now = timezone.now()
    if not allow("status word", str(visit.case.pk), limit=WORDS, seconds=WORD_SECONDS, now=now):
        form.add_error(None, _("We have had many messages from you just now. Please send this one in an hour."))
        answer = _page(request, visit, form, status=429)
        answer["Retry-After"] = str(WORD_SECONDS)
        return answer
    case = add(visit, form.word(), at=now)
    where = request.path if case.pk == visit.case.pk else status_page.link(case, visit.sender)
    return redirect(f"{where}?said=1")


def _page(
    request: HttpRequest,
    visit: status_page.Visit,
    form: StatusForm | None = None,
    survey: surveys.SurveyForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    asked = surveys.asked(visit.case, now) if visit.may_write else None
    if asked and asked.answer is None and request.method != "HEAD":
        surveys.note_asked(visit.case, now)
    context = {
        "case": visit.case,
        "standing": status_page.standing(visit.case, now),
        "token": _token(request),
        "asked": asked,
        "survey": survey or (asked.form() if asked else None),
        "answered": "answered" in request.GET and request.method != "POST",
        "most_ahead": status_page.MOST_AHEAD,
        "reach": visit.case.queue.reach,
        "form": form or StatusForm(initial={"token": fresh_token()}),
        "may_write": visit.may_write,
        "said": "said" in request.GET and request.method != "POST",
    }
    return render(request, "cases/status.html", context, status=status)


def _too_often(request: HttpRequest, seconds: int) -> HttpResponse:
    answer = render(request, "cases/status_gone.html", {"too_often": True}, status=429)
    answer["Retry-After"] = str(seconds)
    return _private(answer)


def _private(answer: HttpResponse) -> HttpResponse:
    """The address is the key: it goes into no index; to no other site either, as of every page (`SECURE_REFERRER_POLICY`).
    `no-referrer` would say more than that: a browser then posts the form as from nowhere (`Origin: null`), and it is refused."""
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


@login_required
@require_http_methods(["GET", "DELETE", "POST"])
@guarded
def customers_view(request: StaffRequest, number: int) -> HttpResponse:
    """GET: the customer's page, as they see it. DELETE (or POST): every link to it sent so far is void."""
    case = find(request.user, number)
    require(request.user, "status_page", case)
    if request.method == "GET":
        return render(
            request, "cases/_status_page.html", {"case": case, "url": status_page.look(case), "days": status_page.DAYS}
        )
    status_page.revoke(case, by=request.user)
    return changed(request, case, _("The links are void. Messages from now on carry new ones."))
