"""How a view reaches a customer: through `visible_to`, and with the right to do what is asked."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.http import StaffRequest
from crm.live.log import position
from crm.models import User
from crm.roles import may
from customers.glance import with_holdings
from customers.merging import current
from customers.models import Customer

P = ParamSpec("P")
View = Callable[Concatenate[StaffRequest, P], HttpResponse]


class MergedAway(Exception):
    """This record is part of another now."""

    def __init__(self, now: Customer) -> None:
        super().__init__()
        self.now = now


def find(user: User, pk: int) -> Customer:
    """The one door: 404 for whoever may not open them; MergedAway for a record that was merged."""
    found = with_holdings(Customer.objects.visible_to(user)).filter(pk=pk, merged_into=None).first()
    if found is not None:
        return found
    merged = get_object_or_404(Customer, pk=pk, merged_into__isnull=False)
    now = current(merged)
    if not Customer.objects.visible_to(user).filter(pk=now.pk).exists():
        raise Http404
    raise MergedAway(now)


def follows_merges(view: View[P]) -> View[P]:
    """The address of a merged record leads to the same address of who they are now."""

    @wraps(view)
    def answer(request: StaffRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except MergedAway as merged:
            match = request.resolver_match
            if match is None or request.method not in {"GET", "HEAD"}:
                return redirect("customers:customer", pk=merged.now.pk)
            return HttpResponseRedirect(reverse(match.view_name, kwargs={**match.kwargs, "pk": merged.now.pk}))

    return answer


def require(user: User, verb: str) -> None:
    """403 with a sentence unless the table of roles lets this person do `verb` to customers."""
    if not may(user, f"customer.{verb}"):
        raise PermissionDenied(_("Your role does not allow this."))


def where() -> dict[str, Any]:
    """Where the log stood before the page read its state."""
    epoch, _colon, pos = position().rpartition(":")
    return {"epoch": epoch, "pos": pos}
