from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from crm.http import StaffRequest
from customers.models import Customer
from tests.plugin.models import Card


@login_required
def card(request: StaffRequest, pk: int) -> HttpResponse:
    """The panel's content: found through what the person may see."""
    found = get_object_or_404(Card, pk=pk, customer__in=Customer.objects.visible_to(request.user))
    return render(request, "loyalty/_card.html", {"card": found})


@login_required
def of_customer(request: StaffRequest, pk: int) -> HttpResponse:
    """The same in the dialog that a case's button opens."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return render(request, "loyalty/_card.html", {"card": Card.objects.filter(customer=customer).first()})
