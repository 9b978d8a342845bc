"""Writing: replies that are sent once and never into a changed conversation, notes, drafts that are never lost."""

import hashlib
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import conversation, drafts, thread, transitions, whispering
from cases.forms import DraftForm, NoteForm, ReplyForm, checked
from cases.models import Case, Message
from cases.models.case import Refusal
from cases.views.room import writing
from cases.views.saying import changed, find, guarded, require, said
from cases.views.verbs import may_resolve
from crm.commands import OtherCommand, StillRunning, once
from crm.http import StaffRequest


@login_required
@require_POST
@guarded
def messages(request: StaffRequest, number: int) -> HttpResponse:
    """Send a reply or write a note (`kind`). The same Idempotency-Key is the same message, however often it comes."""
    case = find(request.user, number)
    kind = request.POST.get("kind", "reply")
    if kind not in drafts.KINDS:
        raise Http404
    _may_write(request, kind, case)
    write = {"reply": _reply, "note": _note, "whisper": _whisper}[kind]
    try:
        answer = once(request.user, _key(request), _fingerprint(request, number), lambda: (200, write(request, case)))
    except conversation.Stale as stale:
        return _stale(request, case, stale)
    except OtherCommand:
        return said(request, _("This was already sent with other words. Look at the thread."), status=409, level="red")
    except StillRunning:
        return said(request, _("It is being sent. Wait a moment."), status=409)
    return _written(request, case, answer.response["message"], kind)


def _may_write(request: StaffRequest, kind: str, case: Case) -> None:
    """Who was whispered to may answer, whatever their role."""
    if kind != "whisper" or whispering.addressee(case, request.user) is None:
        require(request.user, kind, case)


def _key(request: StaffRequest) -> str:
    key = request.headers.get("Idempotency-Key") or request.POST.get("key") or str(uuid.uuid4())
    return key[:120]


def _fingerprint(request: StaffRequest, number: int) -> str:
    """Same words to the same case with the same files: the same message. What was read when is not part of it."""
    names = ("kind", "text", "is_answer", "next_step", "by_when", "moves", "then_status")
    parts = [str(number), *(request.POST.get(name, "") for name in names)]
    parts += [f"{f.name}:{f.size}" for f in request.FILES.getlist("files") if isinstance(f, UploadedFile)]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _reply(request: StaffRequest, case: Case) -> dict[str, Any]:
    given = checked(ReplyForm(request.POST, _files(request)))
    if given["moves"]:
        require(request.user, "promise", case)
    then = given["then_status"] or transitions.WAITING_CUSTOMER
    if then == transitions.RESOLVED:
        may_resolve(case, request)
    message = conversation.reply(
        case,
        by=request.user,
        text=given["text"],
        written_against=given["against"],
        is_answer=given["is_answer"],
        next_step=given["next_step"],
        by_when=given["by_when"],
        moves=given["moves"],
        then_status=then,
        anyway=given["anyway"],
        files=given["files"],
    )
    return {"message": message.pk}


def _note(request: StaffRequest, case: Case) -> dict[str, Any]:
    given = checked(NoteForm(request.POST, _files(request)))
    return {"message": conversation.add_note(case, by=request.user, text=given["text"], files=given["files"]).pk}


def _whisper(request: StaffRequest, case: Case) -> dict[str, Any]:
    whispering.say(case, by=request.user, text=checked(NoteForm(request.POST))["text"])
    return {"message": None}


def _files(request: StaffRequest) -> Any:
    return {"files": request.FILES.getlist("files")}


def _written(request: StaffRequest, case: Case, pk: int | None, kind: str) -> HttpResponse:
    response = changed(request, case, messages=[_message(case, pk)] if pk else [])
    response["X-Written"] = kind
    response["X-Key"] = str(uuid.uuid4())
    return response


def _message(case: Case, pk: int) -> Message:
    message = thread.one(case, pk)
    if message is None:
        raise Http404
    return message


def _stale(request: StaffRequest, case: Case, stale: conversation.Stale) -> HttpResponse:
    """What is new, to be read above the words that wait."""
    if not request.htmx:
        return said(request, stale.message, status=409)
    case.refresh_from_db()
    pks = [m.pk for m in stale.newer]
    newer = thread.dressed(case, list(thread.with_parts(case.messages.filter(pk__in=pks))))
    context = {"case": case, "newer": newer, "said": stale.message}
    response = HttpResponse(render_to_string("cases/_stale.html", context, request=request), status=409)
    response["HX-Retarget"] = "#stale"
    response["HX-Reswap"] = "innerHTML"
    return response


@login_required
@require_POST
@guarded
def undo(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Take a reply back inside its ten seconds: nothing leaves, the words are a draft again."""
    case = find(request.user, number)
    require(request.user, "undo", case)
    message = _own(request, case, pk)
    conversation.take_back(message, by=request.user)
    case.refresh_from_db()
    response = changed(request, case, _("Taken back. Your words are in the composer."), messages=[_message(case, pk)])
    if request.htmx:
        response.write(render_to_string("cases/_composer.html", writing(case, request.user), request=request))
    return response


def _own(request: StaffRequest, case: Case, pk: int) -> Message:
    message = _message(case, pk)
    if message.author_id != request.user.pk:
        raise Refusal(_("Only %(name)s can take this back.") % {"name": message.author_name})
    message.case = case
    return message


@login_required
@require_POST
@guarded
def retry(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Send again what failed: it really goes out again."""
    case = find(request.user, number)
    require(request.user, "reply", case)
    message = _message(case, pk)
    message.case = case
    begun = conversation.retry(message, by=request.user)
    text = _("It is being sent again.") if begun else _("It is on its way already.")
    return changed(request, case, text, messages=[_message(case, pk)])


@login_required
@require_http_methods(["POST", "DELETE"])
@guarded
def draft(request: StaffRequest, number: int, kind: str) -> HttpResponse:
    """Keep what is being typed (POST), or throw it away (DELETE)."""
    if kind not in drafts.KINDS:
        raise Http404
    case = find(request.user, number)
    if request.method == "DELETE":
        drafts.discard(case, author=request.user, kind=kind)
        return HttpResponse(status=204)
    _may_write(request, kind, case)
    given = checked(DraftForm(request.POST))
    against = given.pop("against") or case.version
    at = timezone.now()
    kept = drafts.save(case, author=request.user, kind=kind, written_against=against, at=at, **given)
    return JsonResponse({"saved_at": at.isoformat() if kept else None})


@login_required
@require_GET
def people(request: StaffRequest, number: int) -> HttpResponse:
    """Who may be named in a note, for completing @names."""
    case = find(request.user, number)
    found = [{"name": u.name, "handle": u.username} for u in conversation.mentionable(case.queue)]
    return JsonResponse({"people": found})
