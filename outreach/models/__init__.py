"""Offers in a talk, known problems and notices."""

from outreach.models.decision import Decision, DecisionCandidate, Fulfilment, OfferPresentation, OfferResponse
from outreach.models.offer import Catalogue, Offer, OfferVersion

__all__ = [
    "Catalogue",
    "Decision",
    "DecisionCandidate",
    "Fulfilment",
    "Offer",
    "OfferPresentation",
    "OfferResponse",
    "OfferVersion",
]
