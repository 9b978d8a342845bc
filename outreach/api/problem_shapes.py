"""The shapes of known problems and notices in JSON, out and in (docs/notices.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outreach.models import KnownProblem, Notice, NoticeDelivery
from outreach.wording import PARTS

_WRITABLE = [choice for choice in KnownProblem.State.values if choice != KnownProblem.State.CLOSED]


class KnownProblemShape(serializers.Serializer[KnownProblem]):
    """A known problem. `exposed`: customers it is likely to hit; `told_first`: told before they wrote to us about it."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    symptom = serializers.CharField()
    cause = serializers.CharField()
    workaround = serializers.CharField()
    fix = serializers.CharField()
    status_text = serializers.CharField()
    next_update_at = serializers.DateTimeField(allow_null=True)
    severity = serializers.CharField()
    is_safety = serializers.BooleanField()
    state = serializers.CharField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    condition = serializers.JSONField(allow_null=True)
    exposed = serializers.IntegerField()
    told = serializers.IntegerField()
    told_first = serializers.IntegerField()
    declared_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class ProblemData(serializers.Serializer[Any]):
    """What is said about it; what is left out stays as it is. State `closed` closes it, any other opens it again."""

    title = serializers.CharField(max_length=200, required=False)
    symptom = serializers.CharField(max_length=5000, allow_blank=True, required=False)
    cause = serializers.CharField(max_length=5000, allow_blank=True, required=False)
    workaround = serializers.CharField(max_length=5000, allow_blank=True, required=False)
    fix = serializers.CharField(max_length=5000, allow_blank=True, required=False)
    status_text = serializers.CharField(max_length=5000, allow_blank=True, required=False)
    next_update_at = serializers.DateTimeField(allow_null=True, required=False)
    severity = serializers.ChoiceField(choices=KnownProblem.Severity.choices, required=False)
    is_safety = serializers.BooleanField(required=False)
    state = serializers.ChoiceField(choices=KnownProblem.State.choices, required=False)
    version = serializers.IntegerField(required=False)


class NewProblem(ProblemData):
    """A title is enough; `case` is the number of the case it was noticed in."""

    title = serializers.CharField(max_length=200)
    state = serializers.ChoiceField(choices=_WRITABLE, required=False)
    case = serializers.IntegerField(required=False)


class ExampleShape(serializers.Serializer[Any]):
    customer = serializers.IntegerField(source="customer.pk")
    name = serializers.CharField(source="customer.name")
    reasons = serializers.ListField(child=serializers.CharField())


class ExposureShape(serializers.Serializer[Any]):
    """Whom it hits, and what a notice would do now: `withheld` counts, by reason, who cannot be written to."""

    condition = serializers.JSONField(allow_null=True)
    size = serializers.IntegerField()
    reachable = serializers.IntegerField()
    told = serializers.IntegerField()
    withheld = serializers.DictField(child=serializers.IntegerField())
    sample = ExampleShape(many=True)
    note = serializers.CharField(help_text="What of it nobody can tell just now, because a plugin does not answer.")


class ExposureData(serializers.Serializer[Any]):
    """A condition over what customers have (docs/conditions.md); null: nobody."""

    condition = serializers.JSONField(allow_null=True)


class LinkedCase(serializers.Serializer[Any]):
    case = serializers.IntegerField(source="case.number")
    subject = serializers.CharField(source="case.subject")
    status = serializers.CharField(source="case.status")
    via = serializers.CharField()
    linked_at = serializers.DateTimeField()


class NewLink(serializers.Serializer[Any]):
    case = serializers.IntegerField()


class Words(serializers.Serializer[Any]):
    subject = serializers.CharField(max_length=PARTS["subject"])
    body = serializers.CharField(max_length=PARTS["body"])
    next_step = serializers.CharField(max_length=PARTS["next_step"], allow_blank=True, required=False)


class NoticeShape(serializers.Serializer[Notice]):
    """A notice; `numbers` counts its customers by state, with the reason after a dot ("withheld.no_address")."""

    id = serializers.IntegerField()
    problem = serializers.IntegerField(source="problem_id")
    texts = serializers.DictField(child=Words())
    state = serializers.CharField()
    numbers = serializers.DictField(child=serializers.IntegerField())
    counted_at = serializers.DateTimeField(allow_null=True)
    written_by = serializers.IntegerField(source="written_by_id")
    approved_by = serializers.IntegerField(source="approved_by_id", allow_null=True)
    approved_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class NoticeData(serializers.Serializer[Any]):
    """Its words by language; English is needed."""

    texts = serializers.DictField(child=Words(), allow_empty=False)
    version = serializers.IntegerField(required=False)


class NewNotice(NoticeData):
    problem = serializers.IntegerField()


class DeliveryShape(serializers.Serializer[NoticeDelivery]):
    """One customer: `state` is planned, withheld, held, claimed, sent, failed, unknown or suppressed."""

    id = serializers.IntegerField()
    customer = serializers.IntegerField(source="customer_id")
    state = serializers.CharField(source="stands")
    reason = serializers.CharField(source="why")
    not_before = serializers.DateTimeField()
    sent_at = serializers.SerializerMethodField()
    answered_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_sent_at(self, row: NoticeDelivery) -> Any:
        return row.dispatch.sent_at.isoformat() if row.dispatch and row.dispatch.sent_at else None
