"""The shapes of cases in JSON, out and in. What goes out is stable: scripts rely on it (docs/api.md)."""

from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Left, Length
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cases import feelings
from cases import fields as filling
from cases.models import Case, Clock, Message, Promise
from cases.models.need import HOW
from crm.times import Ahead, Past
from customers.shapes import NewContactPoint

LONGEST_TEXT = 200_000
LISTED = 20_000  # characters of a text in a list


class Text(serializers.CharField):
    """A message's words: kept as written, white space and all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LONGEST_TEXT, "trim_whitespace": False, **options})


class ClockShape(serializers.Serializer[Clock]):
    """One target of a case. Times of open hours in seconds; `due_at` is empty while the clock is paused."""

    kind = serializers.ChoiceField(choices=Clock.Kind.choices)
    due_at = serializers.DateTimeField(allow_null=True)
    warn_at = serializers.DateTimeField(allow_null=True)
    met_at = serializers.DateTimeField(allow_null=True)
    breached_at = serializers.DateTimeField(allow_null=True)
    elapsed_seconds = serializers.SerializerMethodField()
    paused_seconds = serializers.SerializerMethodField()
    running = serializers.BooleanField(source="is_running")
    target_seconds = serializers.FloatField()
    started_at = serializers.DateTimeField()
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_by = serializers.SerializerMethodField()
    warned_at = serializers.DateTimeField(allow_null=True)
    policy = serializers.IntegerField(source="policy_version.policy_id")
    policy_version = serializers.IntegerField(source="policy_version.number")
    cancelled_at = serializers.DateTimeField(allow_null=True)

    def get_elapsed_seconds(self, clock: Clock) -> float:
        """Open seconds spent by now."""
        return float(clock.elapsed(self.context.get("now") or timezone.now()))

    @extend_schema_field(serializers.ChoiceField(choices=Case.Status.choices, allow_null=True))
    def get_paused_by(self, clock: Clock) -> str | None:
        """The status it stands still in; null while it runs, and when it has ended."""
        return clock.case.status if clock.paused_at and not clock.is_finished else None

    def get_paused_seconds(self, clock: Clock) -> float:
        """Open seconds it stood still, up to now or to its end."""
        spent = clock.paused_seconds
        if clock.paused_at and not clock.is_finished:
            spent += clock.hours.elapsed(clock.paused_at, self.context.get("now") or timezone.now())
        return float(spent)


class PromiseShape(serializers.Serializer[Promise]):
    id = serializers.IntegerField()
    what = serializers.CharField()
    due_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=Promise.State.choices)
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    made_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


class CaseRow(serializers.Serializer[Case]):
    """A case in a list."""

    number = serializers.IntegerField()
    subject = serializers.CharField()
    status = serializers.ChoiceField(choices=Case.Status.choices)
    priority = serializers.ChoiceField(choices=Case.Priority.choices)
    version = serializers.IntegerField()
    queue = serializers.IntegerField(source="queue_id")
    queue_name = serializers.CharField(source="queue.name")
    assignee = serializers.IntegerField(source="assignee_id", allow_null=True)
    assignee_name = serializers.CharField(source="assignee.name", allow_null=True, default=None)
    customer = serializers.IntegerField(source="customer_id", allow_null=True)
    customer_name = serializers.CharField(source="customer.name", allow_null=True, default=None)
    channel = serializers.CharField()
    language = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    opened_at = serializers.DateTimeField()
    waiting_since = serializers.DateTimeField(allow_null=True)
    attention_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    open_tasks = serializers.IntegerField()
    task_due_at = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    external_id = serializers.CharField(allow_null=True)


class Sentiment(serializers.Serializer[Any]):
    first = serializers.FloatField(allow_null=True)
    last = serializers.FloatField(allow_null=True)
    guessed = serializers.BooleanField(required=False)


class CaseShape(CaseRow):
    """A case by itself: its clocks, promises, and whether the need was met."""

    custom = serializers.DictField()
    fields = serializers.SerializerMethodField(method_name="filled_in")  # type: ignore[assignment]
    merged_into = serializers.IntegerField(source="merged_into.number", allow_null=True, default=None)
    issue = serializers.IntegerField(source="issue_id", allow_null=True)
    clocks = ClockShape(many=True, source="clocks.all")
    promises = PromiseShape(many=True, source="promises.all")
    need_met = serializers.SerializerMethodField()
    sentiment = serializers.SerializerMethodField()
    disposition = serializers.IntegerField(source="disposition_id", allow_null=True)
    cause = serializers.IntegerField(source="cause_id", allow_null=True)

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def filled_in(self, case: Case) -> dict[str, Any]:
        """What is filled in, by the keys of the house's fields (case-fields/)."""
        return filling.data(case)

    def get_need_met(self, case: Case) -> bool:
        return case.need_met_event_id is not None

    @extend_schema_field(Sentiment)
    def get_sentiment(self, case: Case) -> dict[str, float | bool | None]:
        """As reps marked what the customer wrote, or else as it sounds (then `guessed` is there, and true, for one of the two
        is no mark): -1 upset, 0 neutral, 1 good; null where nothing is known."""
        felt = feelings.seeming(case)
        return {
            "first": feelings.SCORE.get(felt.first),  # type: ignore[call-overload]
            "last": feelings.SCORE.get(felt.last),  # type: ignore[call-overload]
            **({"guessed": True} if felt.guessed else {}),
        }


class AttachmentShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    token = serializers.CharField()


class GuessShape(serializers.Serializer[Any]):
    """What words sound like: empty where nothing can be told. `p` is how probable it is, null where nobody knows how good the
    guess is; `version` says who guessed: 0 lists of words, -1 a plugin, else what was learned."""

    feeling = serializers.CharField(allow_blank=True)
    p = serializers.FloatField(allow_null=True)
    version = serializers.IntegerField()


class MessageShape(serializers.Serializer[Message]):
    """One utterance. `state` of an answer: held (undo window), claimed, sent, failed, unknown, suppressed, undone."""

    id = serializers.IntegerField()
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    channel = serializers.CharField()
    text = serializers.CharField()
    at = serializers.DateTimeField()
    author = serializers.IntegerField(source="author_id", allow_null=True)
    author_name = serializers.CharField()
    case_version = serializers.IntegerField()
    is_answer = serializers.BooleanField()
    is_auto = serializers.BooleanField()
    next_step = serializers.CharField()
    by_when = serializers.DateTimeField(allow_null=True)
    feeling = serializers.CharField(allow_blank=True)
    guess = serializers.SerializerMethodField()
    released_at = serializers.DateTimeField(allow_null=True)
    taken_back_at = serializers.DateTimeField(allow_null=True)
    state = serializers.CharField(source="dispatch.state", allow_null=True, default=None)
    attachments = AttachmentShape(many=True, source="attachments.all")
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    external_id = serializers.CharField(allow_null=True)

    @extend_schema_field(GuessShape(allow_null=True))
    def get_guess(self, message: Message) -> dict[str, Any] | None:
        if message.felt_by is None:
            return None
        return {"feeling": message.felt_guess, "p": message.felt_p, "version": message.felt_by}


class ListedMessage(MessageShape):
    """As MessageShape; of a text of more than 20,000 characters the beginning, marked `text_clipped`. The message's own
    address has all of it."""

    text = serializers.SerializerMethodField()  # type: ignore[assignment]
    text_clipped = serializers.SerializerMethodField()

    @staticmethod
    def begun(rows: QuerySet[Message]) -> QuerySet[Message]:
        """Of the words as much as is shown: the rest stays in the database."""
        is_long = GreaterThan(Length("text"), LISTED)
        return rows.defer("text", "html").annotate(beginning=Left("text", LISTED), is_long=is_long)

    def get_text(self, message: Message) -> str:
        return str(message.beginning) if hasattr(message, "beginning") else message.text[:LISTED]

    def get_text_clipped(self, message: Message) -> bool:
        return bool(message.is_long) if hasattr(message, "is_long") else len(message.text) > LISTED


# --- in


class NewCustomer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, default="", allow_blank=True)
    contact_points = NewContactPoint(many=True, allow_empty=False, max_length=20)  # type: ignore[call-arg]
    language = serializers.CharField(max_length=12, required=False)
    tz = serializers.CharField(max_length=64, required=False)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"$ref": "#/components/schemas/NewCustomer"}]})
class CustomerReference(serializers.Field[Any, Any, Any, Any]):
    """An id, or a name with contact points by which the customer is found or made."""

    @property
    def fields(self) -> Any:
        """What is inside, for the sentences about it (crm.field_errors)."""
        return NewCustomer().fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int) and not isinstance(data, bool):
            return data
        if isinstance(data, dict):
            form = NewCustomer(data=data)
            form.is_valid(raise_exception=True)
            return form.validated_data
        raise serializers.ValidationError(_("Give a customer’s id, or {name, contact_points: [{kind, value}]}."))

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class Fields(serializers.DictField):
    """By the keys of the house's fields (case-fields/); null empties one, what is not named stays."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, child=serializers.JSONField(allow_null=True))


class NewCase(serializers.Serializer[Any]):
    queue = serializers.IntegerField()
    subject = serializers.CharField(max_length=300, allow_blank=True, default="")
    customer = CustomerReference(required=False, allow_null=True)
    channel = serializers.RegexField(
        r"^[\w.-]+$",
        max_length=40,
        default="api",
        error_messages={"invalid": _("A channel is one word of letters, digits, dots and dashes.")},
    )
    tags = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50, default=list)
    custom = serializers.DictField(default=dict)
    fields = Fields(required=False)  # type: ignore[assignment]
    priority = serializers.ChoiceField(choices=Case.Priority.choices, default=Case.Priority.NORMAL)
    language = serializers.CharField(max_length=12, default="", allow_blank=True)
    opened_at = Past(required=False, help_text="In the past: needs the import scope; nothing is sent.")
    text = Text(required=False, help_text="The customer’s first words.")
    source = serializers.CharField(max_length=40, default="api")  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=200, required=False)


class CaseChange(serializers.Serializer[Any]):
    """What may be said anew about a case; what is left out stays."""

    priority = serializers.ChoiceField(choices=Case.Priority.choices, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50, required=False)
    queue = serializers.IntegerField(required=False)
    fields = Fields(required=False)  # type: ignore[assignment]
    version = serializers.IntegerField(required=False)


class NewMessage(serializers.Serializer[Any]):
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    text = Text()
    is_answer = serializers.BooleanField(default=False)
    next_step = serializers.CharField(max_length=300, allow_blank=True, default="")
    by_when = Ahead(required=False, allow_null=True)
    then_status = serializers.ChoiceField(
        choices=["open", "waiting_customer", "waiting_internal", "resolved"], default="waiting_customer"
    )
    version = serializers.IntegerField(required=False, help_text="The case’s version it was written against.")
    anyway = serializers.BooleanField(default=False, help_text="Send although somebody wrote in between.")
    at = Past(required=False, help_text="In the past: needs the import scope; nothing is sent.")
    source = serializers.CharField(max_length=40, default="api")  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=250, required=False)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class Person(serializers.Field[Any, Any, Any, Any]):
    """A user's id or name."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, bool) or not isinstance(data, (int, str)):
            raise serializers.ValidationError(_("Give a user’s id or name."))
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class NewAssignment(serializers.Serializer[Any]):
    """Either {assignee} or {claim: true}."""

    assignee = Person(required=False)
    claim = serializers.BooleanField(default=False)
    version = serializers.IntegerField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("assignee" in data) == data["claim"]:
            raise serializers.ValidationError(_("Give either an assignee or claim: true."))
        return data


class NewStatus(serializers.Serializer[Any]):
    """`merged` is missing: a case is merged into another one, not by its status."""

    status = serializers.ChoiceField(choices=[s for s in Case.Status.choices if s[0] != Case.Status.MERGED])
    tasks_left = serializers.BooleanField(default=False, help_text="Resolve although tasks are open.")
    at = Past(required=False, help_text="In the past: needs the import scope.")
    version = serializers.IntegerField(required=False)


class NewResolution(serializers.Serializer[Any]):
    """`disposition` and `cause`: ids of what the queue asks for (dispositions/, causes/), in one step."""

    disposition = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)
    cause = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)
    tasks_left = serializers.BooleanField(default=False, help_text="Resolve although tasks are open.")
    at = Past(required=False, help_text="In the past: needs the import scope.")
    version = serializers.IntegerField(required=False)


class NewNeed(serializers.Serializer[Any]):
    """How we know that the customer has what they came for."""

    how = serializers.ChoiceField(choices=list(HOW.items()), default="customer_said")
    version = serializers.IntegerField(required=False)


class NewOwner(serializers.Serializer[Any]):
    """Whose the case is: an id, or a name with contact points by which the customer is found or made."""

    customer = CustomerReference()
    version = serializers.IntegerField(required=False)


class NewFeeling(serializers.Serializer[Any]):
    """How the customer felt with this message; empty: nobody knows."""

    feeling = serializers.ChoiceField(choices=Message.Feeling.choices, allow_blank=True)


class NewPromise(serializers.Serializer[Any]):
    what = serializers.CharField(max_length=300)
    due_at = Ahead()
    owner = Person(required=False)
