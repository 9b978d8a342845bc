"""Macros in an open case: `m` shows which there are, each shows what it would do here, and does it."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from cases import conversation, macros, thread, variables
from cases.macro_doing import Order
from cases.models import Case, Macro
from cases.views.room import writing
from cases.views.saying import changed, find, guarded, require, said
from crm.commands import OtherCommand, StillRunning
from crm.http import StaffRequest


@login_required
@require_GET
@guarded
def offered(request: StaffRequest, number: int) -> HttpResponse:
    """The small form: those for cases of this queue, the most used first."""
    case = find(request.user, number)
    require(request.user, "macro", case)
    found = Macro.objects.offered(case.queue_id).select_related("current").order_by("-used_count", "current__title")
    return render(request, "cases/_macros.html", {"case": case, "macros": found})


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def macro(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """What it would do to this case (GET), or do it (POST): once for one key, all of it or nothing."""
    case = find(request.user, number)
    require(request.user, "macro", case)
    chosen = get_object_or_404(Macro.objects.offered(case.queue_id), pk=pk)
    if request.method == "GET":
        return _preview(request, case, chosen)
    try:
        done = macros.run(case, chosen, by=request.user, key=_key(request), order=_order(request))
    except conversation.Stale as stale:
        return _look_again(request, case, chosen, stale.message, stale=stale)
    except (macros.NotAll, macros.Changed) as not_so:
        return _look_again(request, case, chosen, not_so.message)
    except OtherCommand:
        return said(request, _("This was already done with other words. Look at the case."), status=409, level="red")
    except StillRunning:
        return said(request, _("It is being done. Wait a moment."), status=409)
    return _answer(request, case, chosen, done)


def _key(request: StaffRequest) -> str:
    return (request.headers.get("Idempotency-Key") or request.POST.get("key") or str(uuid.uuid4()))[:120]


def _order(request: StaffRequest) -> Order:
    return Order(
        version=_number(request.POST.get("version", "")),
        written_against=_number(request.POST.get("against", "")),
        anyway=bool(request.POST.get("anyway")),
        partly=bool(request.POST.get("partly")),
        filled=_filled(request),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _filled(request: StaffRequest) -> dict[str, str]:
    given = {name: request.POST.get(f"fill.{name}", "").strip()[:500] for name in variables.KNOWN}
    return {name: text for name, text in given.items() if text}


def _preview(request: StaffRequest, case: Case, chosen: Macro, **more: Any) -> HttpResponse:
    filled = _filled(request)
    done = macros.preview(case, chosen, by=request.user, filled=filled)
    effects = [(effect, variables.pieces(effect.words)) for effect in done.effects]
    ask = list(dict.fromkeys([*done.missing, *filled]))
    context = {
        "case": case,
        "macro": chosen,
        "done": done,
        "effects": effects,
        "asks": [(name, variables.KNOWN[name], filled.get(name, "")) for name in ask],
        "key": uuid.uuid4(),
        "then": chosen.current.get_opens_next_display() if chosen.current else "",
    }
    return render(request, "cases/_macro_preview.html", context | more)


def _look_again(
    request: StaffRequest, case: Case, chosen: Macro, text: str, *, stale: conversation.Stale | None = None
) -> HttpResponse:
    """Nothing was done. To a screen, what it would do now, with the reason and what is new above it."""
    if not request.htmx:
        return said(request, text, status=409)
    case = find(request.user, case.number)
    pks = [message.pk for message in stale.newer] if stale else []
    newer = thread.dressed(case, list(thread.with_parts(case.messages.filter(pk__in=pks)))) if pks else []
    chosen.refresh_from_db()
    response = _preview(request, case, chosen, refused=text, newer=newer)
    response.status_code = 409
    response["HX-Retarget"] = "#macro-preview"
    response["HX-Reswap"] = "innerHTML"
    return response


def _answer(request: StaffRequest, case: Case, chosen: Macro, done: macros.Done) -> HttpResponse:
    still = Case.objects.visible_to(request.user).filter(pk=case.pk).exists()
    messages = list(thread.with_parts(case.messages.filter(pk__in=done.messages)).order_by("pk"))
    response = changed(request, case, _words(chosen, done), messages=messages, gone=not still)
    if request.htmx and still and done.drafted:
        case = find(request.user, case.number)
        response.write(render_to_string("cases/_composer.html", writing(case, request.user), request=request))
    response["X-Then"] = "list" if not still else done.opens_next
    return response


def _words(chosen: Macro, done: macros.Done) -> str:
    if not done.happens:
        return _("“%(macro)s” had nothing to do: it is all so already.") % {"macro": chosen}
    if done.refused:
        left = ", ".join(effect.told for effect in done.refused)
        return _("“%(macro)s” is done, but for: %(left)s.") % {"macro": chosen, "left": left}
    return _("“%(macro)s” is done.") % {"macro": chosen}
