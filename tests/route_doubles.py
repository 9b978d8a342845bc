"""Records of one person, and what may be offered them, for the addresses in tests/route_table.py."""

from django.utils import timezone

from cases.models import Case, SurveyAnswer
from crm.models import User
from customers import merging, preferences, unsubscribe
from customers.models import Customer
from outreach import deciding
from outreach.models import PublicOffer
from tests.builders import make_case, make_customer
from tests.outreach.asking import make_asking
from tests.outreach.conftest import make_offer


def doubles(case: Case, by: User) -> dict[str, int | str]:
    """A record of the same person, one that was merged into theirs, and their own link."""
    double, gone = make_case(case.queue).customer, make_customer("C Jensen")
    assert case.customer is not None
    assert double is not None
    merge = merging.merge(case.customer, gone, by=by)
    point = case.customer.contact_points.get(kind="email")
    SurveyAnswer.objects.create(case=case, solved=True, answered_at=timezone.now(), changed_at=timezone.now())
    token = preferences.link(case.customer).split("/")[-2]
    return {
        "double": double.pk,
        "merges": merge.pk,
        "preferences": token,
        "unsubscribe": unsubscribe.link(case.customer.pk, point.pk, "service").split("/")[-2],
        "contact-points": point.pk,
        "panels": "reach",
        "version": Customer.objects.get(pk=case.customer.pk).version,
    }


def offered(case: Case, by: User) -> dict[str, int | str]:
    """An offer, a question, a public offer, and what was decided in the case."""
    offer = make_offer(by=by)
    public = PublicOffer.objects.create(name="Spring", price=20, valid_from=timezone.now())
    return {
        "offers": offer.pk,
        "questions": make_asking().pk,
        "public": public.pk,
        "decisions": deciding.decide(case, by=by).pk,
    }
