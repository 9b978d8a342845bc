"""How a view reaches a customer: through `visible_to`, and with the right to do what is asked."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.database.prepared import Prepared
from crm.hooks import is_ours
from crm.http import StaffRequest
from crm.live.log import position
from crm.models import User
from crm.roles import may
from customers.glance import with_holdings
from customers.hooks import customer_access
from customers.merging import current
from customers.models import Customer

P = ParamSpec("P")
View = Callable[Concatenate[StaffRequest, P], HttpResponse]


class MergedAway(Exception):
    """This record is part of another now."""

    def __init__(self, now: Customer) -> None:
        super().__init__()
        self.now = now


def _asked(user: User, pk: int) -> QuerySet[Customer]:
    return with_holdings(Customer.objects.visible_to(user)).filter(pk=pk, merged_into=None)


# Of who works in queues only the key is in the question, so it is written once; a plugin may ask more of them.
_OF_REPS = Prepared[Customer](lambda user, pk: _asked(User(pk=user), pk), int, int)


def _found(user: User, pk: int) -> Customer | None:
    if user.is_member and not user.is_supervisor and all(is_ours(name) for name, _fill in customer_access):
        return _OF_REPS.first(user.pk, pk)
    return _asked(user, pk).first()


def find(user: User, pk: int) -> Customer:
    """The one door: 404 for whoever may not open them; MergedAway for a record that was merged."""
    if (found := _found(user, pk)) is not None:
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
