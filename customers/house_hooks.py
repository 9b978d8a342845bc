"""What the house asks of customers: who uses a segment."""

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.models import User
from crm.uses import Use, by_model, uses
from customers.conditions import segments_in
from customers.models import Segment


def of_segment(segment: Segment, user: User) -> list[Use]:
    """Other segments that name it; they go on meaning what they mean when it is retired."""
    rows = Segment.objects.active().exclude(pk=segment.pk).values_list("current__condition", flat=True)
    count = sum(segment.key in segments_in(condition) for condition in rows)
    return [
        Use(_("%(n)d × segment that names it") % {"n": count}, count, reverse("admin:customers_segment_changelist"))
    ]


uses.register(by_model({Segment: of_segment}), name="customers.uses")
