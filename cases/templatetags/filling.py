"""How what is filled in about a case is shown."""

from django import template

from cases import field_kinds
from customers.models import Subscription

register = template.Library()


@register.filter
def subscription_name(subscription: Subscription) -> str:
    return field_kinds.name_of(subscription)
