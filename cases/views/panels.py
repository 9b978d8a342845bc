"""The desk's own sections of the context column: answers, since we last spoke, the customer's other cases."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import answers as answering
from cases import issues, linking
from cases.models import Article, ArticleUse, Case, Message
from cases.sight import Sight
from cases.story import SAID
from cases.views.saying import find, found, guarded, require, said
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may
from customers.hooks import Entry, timeline
from customers.models import Customer

MOST_OTHERS = 8
MOST_ALIKE = 3


@login_required
@require_GET
def answers(request: StaffRequest, number: int) -> HttpResponse:
    """Articles for the customer's last words, if any is near enough, and past cases like it; or for what is searched
    (`q`), or on demand (`near`), whatever comes nearest."""
    case = found(_ASKED, request.user, number)
    asked = request.GET.get("q", "").strip()
    text = asked or answering.question(case.subject, case.last_words or "")  # type: ignore[attr-defined]
    fitting = answering.suggest(text, queue=case.queue, language=case.language)
    wants_any = asked or "near" in request.GET
    return render(
        request,
        "cases/_answers.html",
        {
            "case": case,
            "found": fitting.results if wants_any else fitting.offered,
            "held": fitting.results if fitting.refused and not wants_any else [],
            "alike": [] if asked else answering.alike(text, request.user, but=case.pk, limit=MOST_ALIKE),
            "answered": case.answered,  # type: ignore[attr-defined]
            "unfit": case.unfit,  # type: ignore[attr-defined]
            "q": asked,
        },
    )


def _door(**more: Any) -> Sight[Case]:
    """To the case, with no more beside it than a panel shows."""
    beside = ("queue", "customer")
    return Sight(
        lambda user, number: (
            Case.objects.visible_to(user).select_related(*beside).annotate(**more).filter(number=number)
        ),
        int,
    )


def _newest(what: str, **which: Any) -> Subquery:
    """Of the case's messages of this kind."""
    said = Message.objects.filter(case=OuterRef("pk"), **which).order_by("-at", "-id")
    return Subquery(said.values(what)[:1])


def _marked(how: str) -> ArraySubquery:
    """The articles reps said this of, in the case."""
    return ArraySubquery(ArticleUse.objects.filter(case=OuterRef("pk"), how=how).values("article"))


_ASKED = _door(
    last_words=_newest("text", direction="inbound", is_auto=False),
    answered=_marked(ArticleUse.How.ANSWERED),
    unfit=_marked(ArticleUse.How.UNFIT),
)
_SPOKEN = _door(spoke=_newest("at", direction="outbound", taken_back_at=None))


@login_required
@require_POST
@guarded
def use_answer(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """An article went into a reply (`how=sent`), answered the customer (`answered`) or did not fit (`unfit`)."""
    case = find(request.user, number)
    require(request.user, "reply", case)
    article = get_object_or_404(Article.objects.offered(queue=case.queue, audience=None).distinct(), pk=pk)
    how = request.POST.get("how", "")
    answering.mark(case, article, how if how in ArticleUse.How.values else ArticleUse.How.SENT, request.user)
    return said(request, "", status=204)


@login_required
@require_GET
def since(request: StaffRequest, number: int) -> HttpResponse:
    """What happened with this customer since our last answer in this case, newest first."""
    case = found(_SPOKEN, request.user, number)
    entries = _entries(case.customer, case.number, request.user) if case.customer else []
    return render(request, "cases/_since.html", {"case": case, "entries": entries, "last": case.spoke})  # type: ignore[attr-defined]


def _entries(customer: Customer, number: int, user: User) -> list[Entry]:
    """The customer's timeline from every app, but for what was said: that is in the threads."""
    parts = timeline.without(SAID).collect(customer, user, timezone.now(), 12, "")
    here = reverse("cases:case", args=[number])
    others = [e for part in parts for e in part if e.kind not in {"message", "note"} and e.url != here]
    return sorted(others, key=lambda entry: entry.at, reverse=True)[:8]


@login_required
@require_GET
def others(request: StaffRequest, number: int) -> HttpResponse:
    """The customer's other cases this person may see: those of one issue together, what is probably of it marked so."""
    return _beside(request, found(_COMPARED, request.user, number))


@login_required
@require_http_methods(["POST", "DELETE"])
@guarded
def issue(request: StaffRequest, number: int, other: int) -> HttpResponse:
    """The two cases are about the same thing (POST), or are not (DELETE)."""
    case, with_whom = find(request.user, number), find(request.user, other)
    for each in (case, with_whom):
        require(request.user, "link", each)
    if request.method == "POST":
        issues.join(case, with_whom, by=request.user)
    else:
        issues.part(case, with_whom, by=request.user)
    return _beside(request, found(_COMPARED, request.user, number))


def _beside(request: StaffRequest, case: Case) -> HttpResponse:
    rows = issues.beside(case, request.user)
    shown = [row for n, row in enumerate(rows) if row.is_same or n < MOST_OTHERS]
    says = may(request.user, "case.link", case.queue_id)
    context = {"case": case, "others": shown, "links": linking.of(case, request.user), "says": says}
    return render(request, "cases/_others.html", context)


_COMPARED = _door(**issues.telling())
