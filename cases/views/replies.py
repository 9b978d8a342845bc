"""Saved replies: picked while one writes, and one's own, kept in order on a page of their own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import filling, saved_replies, variables, when
from cases.models import Case, SavedReply
from cases.reply_forms import SavedReplyForm
from cases.views.saying import find, guarded, said, where
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may


def _need(user: User, verb: str, queue: int | None = None) -> None:
    if not may(user, f"saved_reply.{verb}", queue):
        raise PermissionDenied(_("Your role here does not allow this."))


# --- while one writes


@login_required
@require_GET
@guarded
def offered(request: StaffRequest, number: int) -> HttpResponse:
    """What fits the words after “/”, and what each would say here. `next_step` and `by_when` are the promise that is
    being written."""
    case = find(request.user, number)
    _need(request.user, "see", case.queue_id)
    asked = request.GET.get("q", "")[:60]
    found = list(saved_replies.offered(case, request.user, asked)[: saved_replies.MOST + 1])
    shown = saved_replies.render(found[: saved_replies.MOST], case, request.user, promise=_promise(request))
    context = {"case": case, "asked": asked, "shown": shown, "more": len(found) > saved_replies.MOST}
    return render(request, "cases/_replies.html", context | {"spoken": filling.base(case.language)})


def _promise(request: StaffRequest) -> filling.Promised | None:
    """What stands in the composer's own line; half-typed words are no time yet."""
    try:
        by_when = when.parse(request.GET.get("by_when", ""), now=timezone.localtime())
    except when.NotATime:
        return None
    return request.GET.get("next_step", "")[:300], by_when


@login_required
@require_POST
@guarded
def used(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Count that it went into what is being written."""
    case = find(request.user, number)
    _need(request.user, "see", case.queue_id)
    saved_replies.mark_used(get_object_or_404(SavedReply.objects.offered(request.user, case.queue), pk=pk))
    return said(request, "", status=204)


# --- one's own


@login_required
@require_GET
def replies(request: StaffRequest) -> HttpResponse:
    """One's own, to change, and the shared ones, to read."""
    place = where()
    _need(request.user, "own")
    asked = request.GET.get("q", "").strip()[:100]
    found = SavedReply.objects.readable_by(request.user).about(asked).filter(current__isnull=False)
    rows = found.select_related("current").prefetch_related("queues").order_by("folder", "current__title", "pk")
    context = {
        **place,
        "q": asked,
        "mine": list(rows.filter(owner=request.user).order_by("-is_active", "folder", "current__title", "pk")),
        "shared": list(rows.filter(owner=None, is_active=True)),
    }
    part = request.htmx and request.htmx.target == "found"
    return render(request, "cases/_replies_found.html" if part else "cases/replies.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    _need(request.user, "own")
    return _written(request, SavedReply(owner=request.user))


@login_required
@require_http_methods(["GET", "POST"])
def one(request: StaffRequest, pk: int) -> HttpResponse:
    """One of one's own; another's is not there."""
    _need(request.user, "own")
    return _written(request, get_object_or_404(SavedReply.objects.select_related("current"), pk=pk, owner=request.user))


def _written(request: StaffRequest, reply: SavedReply) -> HttpResponse:
    form = SavedReplyForm(request.POST or None, instance=reply)
    if request.method == "POST" and form.is_valid() and _kept(form, request.user):
        messages.success(request, _("Saved. Type / while you write to use it."))
        return redirect("cases:replies")
    known = [(variables.written(name), told) for name, told in variables.KNOWN.items()]
    context = {**where(), "form": form, "reply": reply, "known": known, "sample": saved_replies.sample(request.user)}
    return render(request, "cases/reply.html", context, status=422 if form.errors else 200)


def _kept(form: SavedReplyForm, by: User) -> bool:
    """Two of one's own never share a shortcut; the constraint says so, however it came to that."""
    try:
        with transaction.atomic():
            form.publish(form.save(), by)
    except IntegrityError:
        form.add_error("shortcut", _("You have a saved reply with this shortcut already."))
        return False
    return True


@login_required
@require_POST
@guarded
def preview(request: StaffRequest) -> HttpResponse:
    """The texts of the form as they would read in a case: `case`'s number, else one of one's own."""
    _need(request.user, "own")
    case = _sample(request)
    form = SavedReplyForm(request.POST, instance=SavedReply(owner=request.user))
    form.is_valid()
    shown = saved_replies.trial(form.texts(), case, request.user) if case else []
    return render(request, "cases/_reply_preview.html", {"case": case, "shown": shown, "form": form})


def _sample(request: StaffRequest) -> Case | None:
    asked = request.POST.get("case", "").strip().lstrip("#")
    if asked.isdecimal() and len(asked) < 19:
        return find(request.user, int(asked))
    return saved_replies.sample(request.user)
