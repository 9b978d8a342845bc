"""The queue list: which cases, in which order, with counts that equal their lists."""

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import filtered, lists
from cases.filter_parts import Asker
from cases.filtered import Listed
from cases.models import Case, Promise, Queue
from cases.routing import claim_next
from cases.templatetags.standing import in_hand, is_given_cases
from cases.views.saying import allowed, go, guarded, require, said, where
from crm.database.prepared import Prepared
from crm.http import StaffRequest
from crm.models import User


@login_required
@require_GET
def home(request: StaffRequest) -> HttpResponse:
    """The first queue this person may see, the one with somebody waiting before the others; else how to get one."""
    queues = lists.queues_of(request.user, at=timezone.now())
    if queues and not request.GET.get("join"):
        best = next((q for q in queues if q.waiting), queues[0])  # type: ignore[attr-defined]
        return redirect("cases:queue", pk=best.pk)
    joinable = list(Queue.objects.joinable_by(request.user)) if request.user.is_executive else []
    steering = User.objects.filter(role=User.Role.SUPERVISOR, is_active=True)
    helpers = [] if joinable else [user.name for user in steering.order_by("pk")[:2]]
    return render(request, "cases/welcome.html", {**where(), "joinable": joinable, "helpers": helpers})


@login_required
@require_GET
def queue(request: StaffRequest, pk: int) -> HttpResponse:
    """The list beside what to do next; to htmx only the list, from `start` only its further rows."""
    asker = Asker(request.user, timezone.now())
    place = where()
    start = _number(request.GET.get("start", ""))
    queues = [] if start else lists.queues_of(request.user, at=asker.at)
    found = next((queue for queue in queues if queue.pk == pk), None) or _find(request.user, pk)
    numbers, saved, listed = _views(request, found, asker)
    context = {
        **place,
        "queue": found,
        "queues": queues,
        "listed": listed,
        "view": listed.name,
        "count": numbers[listed.name],
        "tabs": [(name, title, numbers[name]) for name, title in lists.NAMES.items()],
        "filters": [(each, numbers[name]) for name, each in saved.items()],
        "cases": listed.page(start),
        "next_start": start + lists.PAGE if start + lists.PAGE < numbers[listed.name] else 0,
    }
    if start:
        return render(request, "cases/_rows.html", context)
    context["may"] = allowed(request.user, found)
    if request.user.is_executive:
        context |= {"may_join": True, "session": found.sessions.filter(user=request.user, ended_at=None).first()}
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "cases/_list.html", context)
    return render(request, "cases/queue.html", {**context, "promises": _promises(found)})


def _views(request: StaffRequest, queue: Queue, asker: Asker) -> tuple[dict[str, int], dict[str, Listed], Listed]:
    """How many each view holds, the saved filters among them, and the one that was asked for."""
    saved = filtered.beside(queue, asker)
    numbers = lists.counts(queue, request.user, at=asker.at)
    listed = filtered.asked(request.GET, queue, asker, saved) or filtered.built_in(
        lists.first_view(numbers), queue, asker
    )
    return numbers | filtered.counts({**saved, listed.name: listed}), saved, listed


def _find(user: User, pk: int) -> Queue:
    return get_object_or_404(Queue.objects.visible_to(user), pk=pk)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _promises(queue: Queue) -> list[Promise]:
    """What falls due next in this queue, for the empty room."""
    return _PROMISED(queue.pk)


def _promised(queue: int) -> QuerySet[Promise]:
    """Of the cases whose promises fall due first: a case carries the time of its next."""
    promised = Case.objects.active().filter(queue=queue, promise_due_at__isnull=False).order_by("promise_due_at")
    due = Promise.objects.filter(state="open", case__in=promised.values("pk")[:8])
    return due.select_related("case", "case__customer", "owner").order_by("due_at", "pk")[:8]


_PROMISED = Prepared(_promised, int)


@login_required
@require_GET
def counts(request: StaffRequest, pk: int) -> JsonResponse:
    """The counts again, and which of the rows on the screen (`numbers`) belong to `view`: asked at most once a second."""
    asker = Asker(request.user, timezone.now())
    numbers, _saved, listed = _views(request, _find(request.user, pk), asker)
    asked = [int(n) for n in request.GET.get("numbers", "").split(",")[:200] if n.isdecimal() and len(n) < 15]
    inside = list(listed.cases.filter(number__in=asked).values_list("number", flat=True)) if asked else []
    told = {"counts": numbers, "inside": inside}
    return JsonResponse(told | ({"load": in_hand(request.user, asker.at)} if is_given_cases(request.user) else {}))


@login_required
@require_http_methods(["POST", "PUT", "DELETE"])
@guarded
def session(request: StaffRequest, pk: int) -> HttpResponse:
    """Sit down in a queue (POST mode=watch|work), stay (PUT), get up (DELETE, or POST mode=leave)."""
    found = get_object_or_404(Queue.objects.joinable_by(request.user), pk=pk)
    mode = request.POST.get("mode", "")
    if request.method == "DELETE" or mode == "leave":
        found.leave(request.user)
        return go(request, reverse("cases:home"))
    if request.method == "PUT":
        return _stay(found, request.user)
    if mode not in {"watch", "work"}:
        return said(request, _("Choose to watch or to work."), status=400, level="red")
    found.join(request.user, mode=mode)
    return go(request, reverse("cases:queue", args=[found.pk]))


def _stay(queue: Queue, user: User) -> HttpResponse:
    """A heartbeat keeps the sitting; it never begins one."""
    open_now = queue.sessions.filter(user=user, ended_at=None)
    if not open_now.update(seen_at=timezone.now()):
        raise Http404
    return HttpResponse(status=204)


@login_required
@require_POST
@guarded
def take_next(request: StaffRequest, pk: int) -> HttpResponse:
    """Give me the case that has waited longest."""
    found = _find(request.user, pk)
    require(request.user, "claim", found)
    case = claim_next(found, request.user)
    if case is None:
        return said(request, _("Nobody is waiting in %(queue)s.") % {"queue": found.name})
    return go(request, reverse("cases:case", args=[case.number]))
