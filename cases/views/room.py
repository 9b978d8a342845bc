"""One case: what was said, what stands, what to do, and beside it what helps."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from cases import drafts, feelings, fields, helping, kinship, news, thread, whispering
from cases.hooks import case_actions, case_banners, case_panels
from cases.models import Case, Clock, Draft, Mention, Notification
from cases.models.beside import followers
from cases.models.merge import survivor
from cases.sight import Sight
from cases.views.saying import allowed, changed, find, found, seen, where
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may


@login_required
@require_GET
def case(request: StaffRequest, number: int) -> HttpResponse:
    """The whole page; to htmx, coming from the list, only the room."""
    place = where()
    opened = found(_OPENED, request.user, number)
    if opened.merged_into_id and not request.htmx and (leads_on := _goes_on(request.user, opened)):
        return redirect("cases:case", number=leads_on)
    context = {**place, **room(opened, request.user)}
    _seen(opened, request.user)
    if request.htmx and not request.htmx.history_restore_request:
        return _in_place(render(request, "cases/_room.html", context))
    return render(request, "cases/case.html", {**context, "queue": opened.queue})


def _beside(user: int) -> dict[str, Any]:
    """What decides what else is asked for."""
    unseen = Mention.objects.filter(user=user, case=OuterRef("pk"), seen_at=None)
    told = Notification.objects.filter(user=user, case=OuterRef("pk")).unread()
    asked = {"named": Exists(unseen), "told": Exists(told), "followers": followers()}
    return {**asked, **feelings.columns(), **kinship.columns(), **whispering.columns(), **fields.columns()}


_OPENED = Sight(lambda user, number: seen(user, **_beside(user.pk)).filter(number=number), int)


def _goes_on(user: User, gone: Case) -> int | None:
    """The number under which a merged case goes on, for who may see that: the old one keeps working."""
    kept = survivor(gone)
    return kept.number if Case.objects.visible_to(user).filter(pk=kept.pk).exists() else None


def _in_place(answer: HttpResponse) -> HttpResponse:
    """It takes the place of what it was asked for. The link that asked cannot say so: it may be gone from the list by now,
    and htmx would put the room into the one that is open."""
    answer["HX-Reswap"] = "outerHTML show:none"
    return answer


def room(case: Case, user: User) -> dict[str, Any]:
    """Everything `cases/_room.html` shows."""
    case.open_clocks = Clock.objects.shown(case.pk)  # type: ignore[attr-defined]
    return {
        "case": case,
        "may": allowed(user, case.queue),
        "piece": thread.piece(case),
        "actions": case_actions.collect(case, user),
        "banners": case_banners.collect(case, user),
        "panels": case_panels.collect(case, user),
        **writing(case, user),
        **whispers_of(case, user),
    }


def whispers_of(case: Case, user: User) -> dict[str, Any]:
    """What `cases/_whispers.html` shows."""
    found = list(whispering.of(case, user))
    fresh = sum(whisper.to_id == user.pk and whisper.heard_at is None for whisper in found)
    return {"case": case, "whispers": found, "fresh": fresh}


def writing(case: Case, user: User) -> dict[str, Any]:
    """What `cases/_composer.html` shows: both drafts as they were left, a fresh key for each."""
    kept, left_over = drafts.of(case, user)
    may_whisper = may(user, "case.whisper", case.queue_id)
    to = whispering.addressee(case, user)
    kinds = [kind for kind in drafts.KINDS if kind != "whisper" or to or may_whisper]
    writings = [_writing(case, kind, kept.get(kind)) for kind in kinds]
    context = {
        "case": case,
        "writings": writings,
        "left_over": left_over,
        "whisper_to": to,
        "whispers_to_owner": may_whisper,
    }
    context["whisper_readers"] = whispering.readers(case, to) if to and may_whisper else []
    context["offered"] = helping.offered(case, user)
    context["leads_here"] = may_whisper and not case.helpers.filter(user=user).exists()
    context["helps"] = may_whisper and not context["leads_here"]
    context["watching"] = context["leads_here"] and case.assignee_id not in {None, user.pk}
    return context


def _writing(case: Case, kind: str, draft: Draft | None) -> dict[str, Any]:
    shown = draft or Draft(kind=kind)
    return {
        "kind": kind,
        "draft": shown,
        "key": uuid.uuid4(),
        "against": shown.written_against if shown.text and shown.written_against else case.version,
        "saved_at": draft.saved_at if draft else None,
    }


def _seen(case: Case, user: User) -> None:
    """Opening a case answers the notes that named you in it, and is to know what you were told of it."""
    now = timezone.now()
    if case.named:  # type: ignore[attr-defined]
        user.mentions.filter(case=case, seen_at=None).update(seen_at=now)
    if case.told:  # type: ignore[attr-defined]
        news.read(user, at=now, case=case)
        user.news = news.count(user, now)  # type: ignore[attr-defined] # the bell of this very page


@login_required
@require_GET
def earlier(request: StaffRequest, number: int) -> HttpResponse:
    """The piece of the thread before message `before`."""
    found = find(request.user, number)
    before = request.GET.get("before", "")
    piece = thread.piece(found, before=int(before) if before.isdecimal() and len(before) < 18 else None)
    return render(request, "cases/_piece.html", {"case": found, "piece": piece})


@login_required
@require_GET
def fragments(request: StaffRequest, number: int) -> HttpResponse:
    """The case as it now is, for a screen that may have missed something: row, header, banners, newest messages."""
    found = find(request.user, number)
    newest = thread.with_parts(found.messages.all()).order_by("-at", "-id")[: thread.PIECE]
    banners = [banner for banner in case_banners.collect(found, request.user) if banner]
    return changed(request, found, messages=list(newest)[::-1], banners=banners)
