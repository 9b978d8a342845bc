"""Offers in a talk, known problems and notices."""

from outreach.models.decision import Decision, DecisionCandidate, Fulfilment, OfferPresentation, OfferResponse
from outreach.models.notice import Notice, NoticeDelivery
from outreach.models.offer import Catalogue, Offer, OfferVersion
from outreach.models.past import PastResponse
from outreach.models.problem import Exposure, KnownProblem, ProblemCase
from outreach.models.public_offer import PublicOffer
from outreach.models.question import QuestionAnswer
from outreach.models.taken import Taken

__all__ = [
    "Catalogue",
    "Decision",
    "DecisionCandidate",
    "Exposure",
    "Fulfilment",
    "KnownProblem",
    "Notice",
    "NoticeDelivery",
    "Offer",
    "OfferPresentation",
    "OfferResponse",
    "OfferVersion",
    "PastResponse",
    "ProblemCase",
    "PublicOffer",
    "QuestionAnswer",
    "Taken",
]
