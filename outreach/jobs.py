"""What the keeper repeats for offers, known problems and notices. Each sweep is safe to run twice at once."""

from datetime import datetime

from crm import learning
from crm.jobs import every
from outreach import delivery, fulfilling, learned_cards, lessons, sources
from outreach.models import OfferPresentation, PastResponse


@every(5, name="outreach.fulfil")
def fulfil(now: datetime) -> int:
    """Acceptances that wait to be done."""
    return fulfilling.fulfil_due(now)


@every(60, name="outreach.sources")
def refresh(now: datetime) -> int:
    """Offers of other systems; one round is enough."""
    sources.refresh()
    return 0


every(0.5, name="outreach.deliver")(delivery.deliver_due)
every(60, name="outreach.follow")(delivery.follow_ended)
every(600, name="outreach.exposure")(delivery.found_again)


def _has_answers() -> bool:
    shown, before = (rows.all()[: lessons.FIRST].count() for rows in (OfferPresentation.objects, PastResponse.objects))
    return shown + before >= lessons.FIRST


@learning.learner("offers", due=_has_answers, card=learned_cards.OFFERS)
def learn_offers(say: learning.Say) -> learning.Lesson:
    """How likely a yes is, and by which way offers are chosen."""
    from outreach import teaching  # brings libraries that only training needs

    return teaching.learn(say)
