import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Contact
from crm.models import Event
from customers.models import Customer
from outreach.models.append_only import append_only
from outreach.models.offer import OfferVersion
from outreach.models.taken import COUNTS_TAKEN


class Decision(models.Model):
    """What was decided about offers in a talk, silence included: under which catalogue, from which facts, and why."""

    class Outcome(models.TextChoices):
        SILENCE = "silence", _("nothing")
        PRESENTED = "presented", _("an offer")

    class Asked(models.TextChoices):
        PANEL = "panel", _("by the screen")
        API = "api", _("over the API")
        TRY = "try", _("against a closed gate")

    case = models.ForeignKey(Case, models.PROTECT, related_name="decisions")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="decisions")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="decisions", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    asked = models.CharField(max_length=10, choices=Asked.choices, default=Asked.PANEL)
    catalogue_version = models.BigIntegerField()
    need_met_event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="+", db_index=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    probability = models.FloatField(default=1.0)  # with which this outcome was chosen
    gates = models.JSONField(default=list)  # [[stage, reason, {…}]] closed for the whole talk
    # {of: the versions on the shelf, said: [[stage, reason, {…}, which of them]]}: what many candidates share (outreach.shared)
    shared = models.JSONField(default=dict, db_default={})
    context = models.JSONField(default=dict)  # what it was decided from (outreach.context)
    digest = models.CharField(max_length=64)  # of outcome and trace: tells a repeat
    latency_ms = models.FloatField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = _("decision"), _("decisions")
        indexes = [models.Index(fields=["customer", "-at"], name="decision_customer")]
        triggers = [append_only("customer_id", "context")]

    def __str__(self) -> str:
        return f"{self.outcome} in case {self.case_id}"


class DecisionCandidate(models.Model):
    """One offer that was looked at: the stage and reason that removed it, or its rank and the chance it had. Where many were
    removed for one reason before they had a score, the decision itself says so (`shared`), and none of them has a row."""

    # Its own index would say what that of `candidate_once` says.
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="candidates", db_index=False)
    offer_version = models.ForeignKey(OfferVersion, models.PROTECT, related_name="+")
    stage = models.CharField(max_length=20, blank=True)  # empty: nothing removed it
    reason = models.CharField(max_length=40, blank=True)  # outreach.gates.WORDS
    detail = models.JSONField(default=dict)  # what its words name
    scores = models.JSONField(default=dict)  # p, fit, value, effort, factor
    score = models.FloatField(null=True)
    rank = models.PositiveSmallIntegerField(null=True)
    probability = models.FloatField(default=0.0)
    sentence = models.CharField(max_length=600, blank=True)  # why this customer, as it is shown

    class Meta:
        constraints = [models.UniqueConstraint(fields=["decision", "offer_version"], name="candidate_once")]
        triggers = [append_only("sentence", "detail")]

    def __str__(self) -> str:
        return f"{self.offer_version_id}: {self.stage or 'stands'}"


# The proof that nothing is offered before the need is met. The share lock on the case waits for whoever is changing it
# and reads what they left; then evidence is compared, never clocks. Nothing gets past it: not a view, not a script, not SQL.
_EARNED = """
    SELECT need_met_event_id INTO met FROM cases_case WHERE id = NEW.case_id FOR SHARE;
    IF met IS NULL OR NEW.need_met_event_id IS DISTINCT FROM met THEN
        RAISE EXCEPTION 'the need of case % is not met by event %', NEW.case_id, NEW.need_met_event_id
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT d.case_id = NEW.case_id AND c.case_id = NEW.case_id AND d.outcome = 'presented' AND k.decision_id = d.id
           AND k.stage = '' INTO mine
      FROM outreach_decision d, outreach_decisioncandidate k, cases_contact c
     WHERE d.id = NEW.decision_id AND k.id = NEW.candidate_id AND c.id = NEW.contact_id;
    IF mine IS NOT TRUE THEN
        RAISE EXCEPTION 'decision, candidate and contact are not of case %', NEW.case_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class OfferPresentation(models.Model):
    """An offer a rep was shown, to mention it: at most one in a contact, and only on the evidence that the need is met."""

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="presentation")
    candidate = models.OneToOneField(DecisionCandidate, models.PROTECT, related_name="presentation")
    case = models.ForeignKey(Case, models.PROTECT, related_name="presentations")
    contact = models.OneToOneField(Contact, models.PROTECT, related_name="presentation")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="presentations", db_index=False)
    need_met_event = models.ForeignKey(Event, models.PROTECT, related_name="+", db_index=False)
    presented_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["customer", "-presented_at"], name="presentation_customer")]
        triggers = [
            pgtrigger.Trigger(
                name="earned",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("met", "bigint"), ("mine", "boolean")],
                func=_EARNED,
            ),
            append_only("customer_id"),
        ]

    def __str__(self) -> str:
        return f"offer in case {self.case_id}"


# A yes to a question is its answer: at the end of the transaction it is there, whoever wrote the yes.
_TOLD = """
IF EXISTS (
    SELECT FROM outreach_offerpresentation p
      JOIN outreach_decisioncandidate k ON k.id = p.candidate_id
      JOIN outreach_offerversion v ON v.id = k.offer_version_id
     WHERE p.id = NEW.presentation_id AND v.question <> ''
) AND NOT EXISTS (SELECT FROM outreach_questionanswer a WHERE a.response_id = NEW.id) THEN
    RAISE EXCEPTION 'a question is accepted by its answer: response %', NEW.id USING ERRCODE = 'check_violation';
END IF;
RETURN NULL;
"""


class OfferResponse(models.Model):
    """What the customer said to an offer, or that the rep chose not to mention it (`withheld`): then the customer said nothing.
    A correction is another row: the newest stands."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        NOT_NOW = "not_now", _("not now")
        NO = "no", _("no")
        NOT_SUITED = "not_suited", _("not suited")
        NEVER = "never", _("never")
        WITHHELD = "withheld", _("not mentioned")

    presentation = models.ForeignKey(OfferPresentation, models.PROTECT, related_name="responses")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reason = models.CharField(max_length=300, blank=True)
    until = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["presentation", "number"], name="offer_response_once"),
            models.CheckConstraint(
                condition=models.Q(kind="not_now", until__isnull=False)
                | ~models.Q(kind="not_now") & models.Q(until=None),
                name="offer_not_now_has_a_time",
            ),
        ]
        triggers = [
            append_only("reason"),
            pgtrigger.Trigger(
                name="told",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(new__kind="accepted"),
                func=_TOLD,
            ),
            COUNTS_TAKEN,
        ]

    def __str__(self) -> str:
        return self.kind


class Fulfilment(models.Model):
    """What an acceptance owes the customer: done by a plugin, once by `key`, however often it is tried; or by hand."""

    class State(models.TextChoices):
        WAITING = "waiting", _("being done")
        DONE = "done", _("done")
        BY_HAND = "by_hand", _("to be done by hand")
        PARKED = "parked", _("did not work; do it by hand")
        CALLED_OFF = "called_off", _("called off")

    response = models.OneToOneField(OfferResponse, models.PROTECT, related_name="fulfilment")
    key = models.UUIDField(unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    reference = models.CharField(max_length=200, blank=True)  # the plugin's own
    error = models.CharField(max_length=60, blank=True)  # the exception's class, never its message
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="fulfilment_due", condition=models.Q(state="waiting"))]

    def __str__(self) -> str:
        return self.state
