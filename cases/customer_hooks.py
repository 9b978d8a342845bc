"""What the desk adds to a customer: who may open them, and what moves when two prove to be one person."""

from django.db.models import Q

from cases.models import Case, Contact, Dispatch, Issue
from crm.models import User
from customers.hooks import Moves, customer_access, customer_merging


@customer_access.register
def those_with_a_case_they_may_see(user: User) -> Q:
    return Q(pk__in=Case.objects.visible_to(user).order_by().values("customer_id"))


@customer_merging.register
def what_moves() -> list[Moves]:
    return [Moves(model, "customer") for model in (Issue, Case, Contact, Dispatch)]
