"""The board of those who lead: how each queue stands, the cases behind every number, who works where and how they are there."""

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import board as boards
from cases import figures, lists, surveyed
from cases import leveling as levels
from cases.forms import CapacityForm, PresenceForm, checked
from cases.models import Capacity, Case, Presence, Queue
from cases.models.case import CaseQuerySet
from cases.models.presence import colleagues
from cases.sentiment import said as said_of_feelings
from cases.templatetags.board import FIGURES
from cases.views.saying import allowed, guarded, said, where
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may


@login_required
@require_GET
def board(request: StaffRequest) -> HttpResponse:
    """Every queue one leads; to htmx only the queues, which ask again when something moved."""
    place, now = where(), timezone.now()
    queues = boards.led_by(request.user)
    if not queues:
        raise PermissionDenied(_("The board is for those who lead a queue."))
    context = {**place, "stands": boards.stands(queues, now), "now": now}
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "cases/_board.html", context)
    return render(request, "cases/board.html", context)


@login_required
@require_GET
def feelings(request: StaffRequest) -> HttpResponse:
    """How feelings change in the queues one leads: asked for by the board once, for it takes longer than the rest."""
    queues = boards.led_by(request.user)
    if not queues:
        raise PermissionDenied(_("The board is for those who lead a queue."))
    return render(request, "cases/_board_feelings.html", {"lines": said_of_feelings.lines(queues, timezone.now())})


@login_required
@require_GET
def surveys(request: StaffRequest) -> HttpResponse:
    """What customers answered when asked whether it was solved, in the queues one leads."""
    queues = boards.led_by(request.user)
    if not queues:
        raise PermissionDenied(_("The board is for those who lead a queue."))
    return render(request, "cases/_board_surveys.html", {"lines": surveyed.lines(queues, timezone.now())})


def _led(user: User, pk: int, verb: str = "board.see") -> Queue:
    """404 for who may not see the queue, 403 for who may not lead it."""
    queues = Queue.objects.visible_to(user).select_related("calendar__current")
    queue = get_object_or_404(queues, pk=pk, is_active=True)
    if not may(user, verb, queue.pk):
        raise PermissionDenied(_("The board is for those who lead a queue."))
    return queue


# --- behind the numbers


@login_required
@require_GET
def figure(request: StaffRequest, pk: int, name: str) -> HttpResponse:
    queue, now = _led(request.user, pk), timezone.now()
    if name not in figures.NAMES:
        raise Http404
    title = _("%(figure)s · %(queue)s") % {"figure": FIGURES[name].title, "queue": queue.name}
    return _cases(request, figures.behind(name, queue, now), title, queue=queue)


@login_required
@require_GET
def fire(request: StaffRequest, pk: int, name: str) -> HttpResponse:
    """The cases of a burning problem at a queue."""
    queue = _led(request.user, pk)
    found = boards.on_fire(name, queue)
    if found is None:
        raise Http404
    told, cases = found
    title = _("%(figure)s · %(queue)s") % {"figure": told.title, "queue": queue.name}
    return _cases(request, cases, title, queue=queue, url=told.url)


@login_required
@require_GET
def in_hand(request: StaffRequest, user: int) -> HttpResponse:
    """What counts as somebody's load, as far as one sees it."""
    person = _theirs(request.user, user)
    cases, elsewhere = boards.in_hand(person, request.user, timezone.now())
    return _cases(request, cases, _("In hand: %(name)s") % {"name": person.name}, elsewhere=elsewhere, person=person)


def _cases(request: StaffRequest, cases: CaseQuerySet, title: str, **more: Any) -> HttpResponse:
    """The list beside the board, in working order; without scripts a page of its own."""
    place = where()
    text = request.GET.get("start", "")
    start = int(text) if text.isdecimal() and len(text) < 9 else 0
    count = cases.count()
    rows = list(lists.for_rows(cases).in_order()[start : start + lists.PAGE])
    context = {**place, "cases": rows, "count": count, "title": title, "path": request.path, **more}
    context["next_start"] = start + lists.PAGE if start + lists.PAGE < count else 0
    if here := more.get("queue") or (rows[0].queue if rows else None):  # whose rights the bar of chosen cases shows
        context |= {"bulk_queue": here, "may": allowed(request.user, here)}
    if start:
        return render(request, "cases/_board_rows.html", context)
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "cases/_board_cases.html", context)
    now = timezone.now()
    context |= {"stands": boards.stands(boards.led_by(request.user), now), "now": now}
    return render(request, "cases/board.html", context)


# --- people


def _theirs(leader: User, pk: int, verb: str = "presence.others") -> User:
    """Somebody one leads."""
    person = get_object_or_404(colleagues(leader), pk=pk)
    if person.pk == leader.pk and not may(leader, verb):
        raise PermissionDenied(_("The board is for those who lead a queue."))
    if not boards.may_lead(leader, pk, verb):
        raise PermissionDenied(_("Only who leads a queue they work in may say this for somebody else."))
    return person


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def presence(request: StaffRequest, user: int) -> HttpResponse:
    """How somebody one leads is there: the small form, and what it says."""
    person = _theirs(request.user, user)
    if request.method == "GET":
        queues = boards.led_by(request.user)
        shared = [queue for queue in queues if queue.memberships.filter(user=person).exists()]
        most = Capacity.objects.filter(user=person, channel="").values_list("most", flat=True).first()
        context = {"person": person, "presence": Presence.objects.known(person), "queues": shared, "most": most}
        return render(request, "cases/_board_person.html", context)
    told = checked(PresenceForm(request.POST))
    row = Presence.objects.of(person)
    row.choose(told["state"], told["reason"], by=request.user)
    return _done(request, _("%(name)s is now: %(words)s.") % {"name": person.name, "words": row.words})


@login_required
@require_POST
@guarded
def capacity(request: StaffRequest, user: int) -> HttpResponse:
    """How many cases somebody one leads is given at most, in all channels together."""
    person = _theirs(request.user, user, "person.capacity")
    most = checked(CapacityForm(request.POST))["most"]
    Capacity.objects.say(person, most)
    if most is None:
        return _done(request, _("%(name)s is given as many cases as everybody else.") % {"name": person.name})
    words = ngettext("%(name)s is given %(n)s case at once.", "%(name)s is given %(n)s cases at once.", most)
    return _done(request, words % {"name": person.name, "n": most})


# --- levelling


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def leveling(request: StaffRequest, pk: int) -> HttpResponse:
    """GET shows who would give what to whom (`of` somebody: all that presses of theirs); POST does the moves it showed."""
    queue = _led(request.user, pk, "board.level")
    if request.method == "GET":
        return _show_plan(request, queue)
    moves = levels.parse(request.POST.getlist("moves"))
    done = levels.carry_out(queue, moves, by=request.user)
    return _leveled(request, queue, done, len(moves) - len(done))


def _show_plan(request: StaffRequest, queue: Queue) -> HttpResponse:
    text = request.GET.get("of", "")
    of = _theirs(request.user, int(text)) if text.isdecimal() and len(text) < 19 else None
    plan = levels.plan(queue, timezone.now(), of=of)
    keys = {*plan.before, *(key for move in plan.moves for key in (move.was, move.to) if key)}
    people = User.objects.in_bulk(keys)
    numbers = [move.number for move in plan.moves]
    cases = {c.number: c for c in Case.objects.visible_to(request.user).filter(number__in=numbers)}
    shown = [(move, cases[move.number], people.get(move.was or 0), people.get(move.to or 0)) for move in plan.moves]
    loads = [(people[key], plan.before[key], plan.after[key]) for key in plan.before if key in people]
    context = {"queue": queue, "moves": shown, "loads": [load for load in loads if load[1] != load[2]], "of": of}
    return render(request, "cases/_board_leveling.html", context)


def _leveled(request: StaffRequest, queue: Queue, done: list[levels.Move], left: int) -> HttpResponse:
    text = ngettext("%(n)s case moved.", "%(n)s cases moved.", len(done)) % {"n": len(done)}
    if left:
        told = ngettext("%(n)s had changed meanwhile and stays.", "%(n)s had changed meanwhile and stay.", left)
        text = f"{text} {told % {'n': left}}"
    answer = _done(request, text)
    if request.htmx:
        undo = {"url": reverse("cases:leveling", args=[queue.pk]), "moves": [str(move.back) for move in done]}
        is_undo = "undo" in request.POST
        answer["HX-Trigger"] = json.dumps({"leveled": {"text": text, **({} if is_undo or not done else undo)}})
    return answer


def _done(request: StaffRequest, text: str) -> HttpResponse:
    """A sentence; without scripts back to the board."""
    return said(request, text) if request.htmx else redirect("cases:board")
