"""What outreach adds to a case. The panels are addresses; what they show is in outreach.views."""

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.hooks import Panel, case_panels
from cases.models import Case
from crm.models import User


@case_panels.register(order=12)
def offer(case: Case, user: User) -> Panel | None:
    """Not for executives, watching or working."""
    if user.is_executive or case.customer_id is None:
        return None
    return Panel("offer", _("Offer"), reverse("outreach:offer", args=[case.number]), live=True)
