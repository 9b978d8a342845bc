"""What the house asks of outreach: who uses a segment."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.models import User
from crm.uses import Use, by_model, uses
from customers.conditions import segments_in
from customers.models import Segment
from outreach.models import KnownProblem, Offer


def of_segment(segment: Segment, user: User) -> list[Use]:
    """Offers that are for who is in it, and known problems that hit those."""
    offers = Offer.objects.active().values_list("current__eligibility", flat=True)
    problems = KnownProblem.objects.filter(condition__isnull=False).values_list("condition", flat=True)
    return [
        _naming(offers, segment, _("%(n)d × offer that is for who is in it"), "offer"),
        _naming(problems, segment, _("%(n)d × known problem that names it"), "knownproblem"),
    ]


def _naming(conditions: QuerySet[Any, Any], segment: Segment, text: str, page: str) -> Use:
    count = sum(segment.key in segments_in(condition) for condition in conditions)
    return Use(text % {"n": count}, count, reverse(f"admin:outreach_{page}_changelist"))


uses.register(by_model({Segment: of_segment}), name="outreach.uses")
