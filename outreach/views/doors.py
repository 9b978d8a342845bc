"""How a view reaches known problems and notices, and what it says back."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from cases.models.case import Refusal
from crm.http import StaffRequest
from crm.live import position
from crm.models import User
from crm.roles import TABLE, may, roles_of
from outreach.models import KnownProblem, Notice

P = ParamSpec("P")
View = Callable[Concatenate[StaffRequest, P], HttpResponse]


def require(user: User, verb: str) -> None:
    """403 with a sentence unless the table of roles lets this person do it."""
    if not may(user, verb):
        raise PermissionDenied(_("Your role does not allow this."))


def problem_for(user: User, verb: str, pk: int) -> KnownProblem:
    """The one door to a known problem: they are the whole house's, and a role decides."""
    require(user, verb)
    return get_object_or_404(KnownProblem.objects.select_related("owner", "declared_by"), pk=pk)


def notice_for(user: User, verb: str, pk: int) -> Notice:
    require(user, verb)
    return get_object_or_404(Notice.objects.select_related("problem", "written_by", "approved_by"), pk=pk)


def rights(user: User) -> dict[str, bool]:
    """Which buttons there are: {"problem_change": True, …}. One question for all."""
    held = roles_of(user)
    named = {verb: who for verb, who in TABLE.items() if verb.startswith(("problem.", "notice."))}
    return {verb.replace(".", "_"): bool(who & held) for verb, who in named.items()}


def where() -> dict[str, Any]:
    """Where the log stood before the page read its state."""
    epoch, _colon, pos = position().rpartition(":")
    return {"epoch": epoch, "pos": pos}


def refusing(view: View[P]) -> View[P]:
    """A verb that refuses becomes a sentence on the page it was asked on."""

    @wraps(view)
    def answer(request: StaffRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            messages.error(request, refusal.message)
            name = str(request.resolver_match.url_name) if request.resolver_match else ""
            return redirect(_page(name), pk=kwargs.get("pk"))

    return answer


def _page(name: str) -> str:
    return "outreach:notice" if name.startswith("notice") else "outreach:problem"


def told(request: StaffRequest, sentence: str, to: str, pk: int) -> HttpResponse:
    """Done: say so on the page it leads to."""
    messages.success(request, sentence)
    return redirect(to, pk=pk)
