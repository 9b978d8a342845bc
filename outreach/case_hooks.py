"""What outreach adds to a case. The panels are addresses; what they show is in outreach.views."""

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.hooks import (
    Panel,
    answered,
    burning,
    case_actions,
    case_banners,
    case_panels,
    cases_joined,
    cases_parted,
    composers,
    may_leave,
)
from cases.models import Case
from crm.models import User
from outreach import banner, composing, delivery, joining
from outreach import burning as fires


@case_panels.register(order=12)
def offer(case: Case, user: User) -> Panel | None:
    """Not for executives, watching or working."""
    if user.is_executive or case.customer_id is None:
        return None
    return Panel("offer", _("Offer"), reverse("outreach:offer", args=[case.number]), live=True)


case_banners.register(banner.of_case, order=-10, name="outreach.problem")
case_actions.register(banner.action, order=10, name="outreach.problem")
composers.register(composing.compose, name="outreach.notice")
answered.register(composing.answered, name="outreach.notice")
may_leave.register(delivery.may_leave, name="outreach.notice")
cases_joined.register(joining.joined, name="outreach.problem")
cases_parted.register(joining.parted, name="outreach.problem")
burning.register(fires.burning, name="outreach.problem")
