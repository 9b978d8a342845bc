"""The shapes of offers, decisions and answers in JSON. What goes out is stable: scripts rely on it (docs/offers.md)."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cases.api.measures import ShareShape
from crm.times import Ahead, Moment
from outreach import asking, parity, showing
from outreach.hooks import Terms
from outreach.models import (
    Decision,
    Fulfilment,
    Offer,
    OfferPresentation,
    OfferResponse,
    QuestionAnswer,
)
from outreach.responding import standing


class Amount(serializers.DecimalField):
    """An amount as a decimal text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_digits": 14, "decimal_places": 4, **options})


class TermsShape(serializers.Serializer[Any]):
    """What an offer says and asks for. `why` is a template: {words} is what the customer said, others are facts."""

    what = serializers.CharField(max_length=300)
    benefit = serializers.CharField(max_length=300)
    why = serializers.CharField(max_length=400)
    price = Amount(default=0, help_text="For existing customers.")
    public_price = Amount(allow_null=True, default=None, help_text="What anybody else pays; never less than `price`.")
    currency = serializers.CharField(max_length=3, default="GBP")
    months = serializers.IntegerField(default=1, min_value=1, max_value=120, help_text="Of minimum term.")
    gifts = Amount(default=0, help_text="Cash, vouchers and gifts at face value, in all.")
    fees = Amount(default=0, help_text="In all.")
    extras = serializers.DictField(
        child=serializers.FloatField(), default=dict, help_text="What else it gives: how much of each; more is better."
    )
    value = Amount(default=0, help_text="What an acceptance is worth to us.")
    gain = Amount(help_text="What it is worth to the customer; more than nothing.")
    minutes = Amount(default=2, help_text="Of talk it takes.")
    need_tags = serializers.ListField(
        child=serializers.CharField(max_length=60), default=list, max_length=50, help_text="What it answers."
    )
    eligibility = serializers.DictField(default=lambda: {"all": []}, help_text="A condition (docs/conditions.md).")
    valid_from = Moment(allow_null=True, default=None)
    valid_until = Moment(allow_null=True, default=None)
    stock = serializers.IntegerField(allow_null=True, default=None, min_value=0)
    cooloff_days = serializers.IntegerField(default=90, min_value=0, max_value=3650, help_text="After a no.")
    question = serializers.CharField(
        default="", max_length=300, allow_blank=True, help_text="What is asked, of an offer with the purpose question."
    )
    answer_kind = serializers.ChoiceField(choices=list(asking.KINDS.items()), default="", allow_blank=True)
    choices = serializers.ListField(
        child=serializers.CharField(max_length=80), default=list, max_length=10, help_text="Of answer_kind choice."
    )


class OfferShape(serializers.Serializer[Offer]):
    """An offer with the terms it has now; `version` counts their changes."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    purpose = serializers.ChoiceField(choices=Offer.Purpose.choices)
    is_active = serializers.BooleanField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    version = serializers.IntegerField(source="current.number", default=0)
    version_id = serializers.IntegerField(source="current_id", allow_null=True)
    terms = TermsShape(source="current.terms", allow_null=True, default=None)


class OfferData(TermsShape):
    """A new offer, or (PATCH) what is to be said anew of one: what is left out stays."""

    key = serializers.SlugField(max_length=80, required=False, help_text="Made from the name if it is missing.")
    name = serializers.CharField(max_length=120)
    purpose = serializers.ChoiceField(choices=Offer.Purpose.choices, default=Offer.Purpose.ADDITION)
    is_active = serializers.BooleanField(default=True)
    owner = serializers.IntegerField(allow_null=True, required=False)
    version = serializers.IntegerField(required=False)


TERMS = tuple(Terms.__dataclass_fields__)


class Closed(serializers.Serializer[Any]):
    """A gate that is shut for the whole talk."""

    stage = serializers.CharField()
    reason = serializers.CharField()
    words = serializers.CharField()


class CandidateShape(serializers.Serializer[Any]):
    """One offer that was looked at: the stage and reason that removed it, or its rank and its chance. Told by
    outreach.showing, field by field as here."""

    offer = serializers.IntegerField()
    name = serializers.CharField()
    offer_version = serializers.IntegerField()
    stage = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    words = serializers.CharField(read_only=True)
    scores = serializers.DictField(child=serializers.FloatField())
    score = serializers.FloatField(allow_null=True)
    rank = serializers.IntegerField(allow_null=True)
    probability = serializers.FloatField()
    sentence = serializers.CharField(allow_blank=True)


class ResponseShape(serializers.Serializer[OfferResponse]):
    """What the customer said; of several the newest stands. `fulfilment`: how far what was accepted is."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=OfferResponse.Kind.choices)
    reason = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    by = serializers.IntegerField(source="by_id")
    at = serializers.DateTimeField()
    fulfilment = serializers.SerializerMethodField()
    answer = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=Fulfilment.State.choices, allow_null=True))
    def get_fulfilment(self, said: OfferResponse) -> str | None:
        row = Fulfilment.objects.filter(response=said).first()
        return row.state if row else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_answer(self, said: OfferResponse) -> str | None:
        """To a question."""
        kept = QuestionAnswer.objects.filter(response=said).first()
        return kept.words if kept else None


class PresentationShape(serializers.Serializer[OfferPresentation]):
    """What the rep was shown."""

    id = serializers.IntegerField()
    offer = serializers.IntegerField(source="candidate.offer_version.offer_id")
    offer_version = serializers.IntegerField(source="candidate.offer_version_id")
    what = serializers.CharField(source="candidate.offer_version.what")
    sentence = serializers.CharField(source="candidate.sentence")
    benefit = serializers.CharField(source="candidate.offer_version.benefit")
    public_from = serializers.SerializerMethodField()
    presented_at = serializers.DateTimeField()
    by = serializers.IntegerField(source="by_id")
    need_met_event = serializers.IntegerField(source="need_met_event_id")
    question = serializers.CharField(source="candidate.offer_version.question", help_text="Empty: it asks nothing.")
    answer_kind = serializers.CharField(source="candidate.offer_version.answer_kind")
    choices = serializers.ListField(child=serializers.CharField(), source="candidate.offer_version.choices")
    response = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_public_from(self, shown: OfferPresentation) -> datetime | None:
        """While it is early access: when strangers get it too."""
        return parity.public_from(shown.candidate.offer_version.offer_id, timezone.now())

    @extend_schema_field(ResponseShape(allow_null=True))
    def get_response(self, shown: OfferPresentation) -> Any:
        said = standing(shown)
        return ResponseShape(said).data if said else None


class DecisionShape(serializers.Serializer[Any]):
    """A decision with all it looked at. `id` is empty where nothing was decided yet: it is what would be."""

    id = serializers.IntegerField(allow_null=True)
    case = serializers.IntegerField(source="case.number")
    contact = serializers.IntegerField(source="contact_id", allow_null=True)
    customer = serializers.IntegerField(source="customer_id", allow_null=True)
    at = serializers.DateTimeField()
    by = serializers.IntegerField(source="by_id", allow_null=True)
    asked = serializers.CharField()
    need_met = serializers.SerializerMethodField()
    need_met_event = serializers.IntegerField(source="need_met_event_id", allow_null=True)
    outcome = serializers.ChoiceField(choices=Decision.Outcome.choices)
    probability = serializers.FloatField()
    catalogue_version = serializers.IntegerField()
    latency_ms = serializers.FloatField()
    gates = serializers.SerializerMethodField()
    candidates = serializers.SerializerMethodField()
    presentation = serializers.SerializerMethodField()

    def get_need_met(self, decision: Decision) -> bool:
        return decision.need_met_event_id is not None

    @extend_schema_field(Closed(many=True))
    def get_gates(self, decision: Decision) -> list[dict[str, Any]]:
        return showing.shut_words(decision)

    @extend_schema_field(CandidateShape(many=True))
    def get_candidates(self, decision: Decision) -> Any:
        return showing.told(decision)

    @extend_schema_field(PresentationShape(allow_null=True))
    def get_presentation(self, decision: Decision) -> Any:
        shown = getattr(decision, "presentation", None) if decision.pk else None
        return PresentationShape(shown).data if shown else None


class DecisionRow(serializers.Serializer[Decision]):
    """A decision in a list."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    customer = serializers.IntegerField(source="customer_id", allow_null=True)
    at = serializers.DateTimeField()
    by = serializers.IntegerField(source="by_id", allow_null=True)
    asked = serializers.CharField()
    outcome = serializers.ChoiceField(choices=Decision.Outcome.choices)
    probability = serializers.FloatField()
    catalogue_version = serializers.IntegerField()
    need_met_event = serializers.IntegerField(source="need_met_event_id", allow_null=True)


class NewPresentation(serializers.Serializer[Any]):
    """Nothing: decide. `offer`: try to present this one, which is refused and kept unless it is the one to be made."""

    offer = serializers.IntegerField(required=False)


class NewResponse(serializers.Serializer[Any]):
    """What the customer said; `withheld`: the rep did not mention it. `reason` is needed for
    not_suited and withheld; `until` is until when of not_now, else 30 days."""

    kind = serializers.ChoiceField(choices=OfferResponse.Kind.choices)
    reason = serializers.CharField(max_length=300, allow_blank=True, default="")
    until = Ahead(required=False, allow_null=True)
    answer = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, allow_null=True,
        help_text="What they said to a question, with `accepted`: words, one of its choices, or 1 to 5.",
    )  # fmt: skip


class AnswerShape(serializers.Serializer[QuestionAnswer]):
    """What a customer answered to a question; `answer` as it is read, `scale` where it is a number."""

    id = serializers.IntegerField()
    question = serializers.CharField(source="offer_version.question", help_text="As it was asked.")
    answer = serializers.CharField(source="words")
    scale = serializers.IntegerField(allow_null=True)
    case = serializers.IntegerField(source="case.number")
    customer = serializers.IntegerField(source="customer_id")
    by = serializers.IntegerField(source="by_id")
    at = serializers.DateTimeField()


class AnswerLineShape(serializers.Serializer[Any]):
    """How often one answer was given, of all that were."""

    answer = serializers.CharField(source="label")
    told = ShareShape()


class TallyShape(serializers.Serializer[Any]):
    """What came of a question, over the cases the caller may see."""

    asked = serializers.IntegerField()
    answered = ShareShape()
    answers = AnswerLineShape(many=True, source="lines")
    mean = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class Asked(serializers.Serializer[Any]):
    """A condition to try on everybody."""

    eligibility = serializers.DictField()


class Qualified(serializers.Serializer[Any]):
    """How many customers it holds for, and some of them the caller may see."""

    count = serializers.IntegerField()
    sample = serializers.ListField(child=serializers.IntegerField())
    note = serializers.CharField(help_text="What of it nobody can tell just now, because a plugin does not answer.")
