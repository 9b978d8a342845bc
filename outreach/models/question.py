"""What customers answered when a rep asked the one question of a talk."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from customers.models import Customer
from outreach.asking import LEAST, MOST
from outreach.models.append_only import append_only
from outreach.models.decision import OfferResponse
from outreach.models.offer import Offer, OfferVersion

# An answer belongs to a yes to the very question that was asked in the very case, whoever writes it.
_ASKED = """
IF NOT EXISTS (
    SELECT FROM outreach_offerresponse r
      JOIN outreach_offerpresentation p ON p.id = r.presentation_id
      JOIN outreach_decisioncandidate k ON k.id = p.candidate_id
      JOIN outreach_offerversion v ON v.id = k.offer_version_id
     WHERE r.id = NEW.response_id AND r.kind = 'accepted' AND v.question <> '' AND p.case_id = NEW.case_id
       AND v.id = NEW.offer_version_id AND v.offer_id = NEW.offer_id
) THEN
    RAISE EXCEPTION 'answer without its question: response %', NEW.response_id USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""


class QuestionAnswer(models.Model):
    """What a customer told us: to which question as it was worded then, in which case, who asked. Kept once: a correction is
    another row, and of one customer one answer to a question stands."""

    response = models.OneToOneField(OfferResponse, models.PROTECT, related_name="answer")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="question_answers", db_index=False)
    offer_version = models.ForeignKey(OfferVersion, models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="question_answers")
    case = models.ForeignKey(Case, models.PROTECT, related_name="question_answers")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=1000, blank=True, default="")  # emptied when the customer is erased
    choice = models.CharField(max_length=80, blank=True, default="")
    scale = models.PositiveSmallIntegerField(null=True)
    stands = models.BooleanField(default=True)  # not corrected since

    class Meta:
        verbose_name, verbose_name_plural = _("answer to a question"), _("answers to questions")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["offer", "-id"], name="question_answer_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "customer"], condition=models.Q(stands=True), name="question_answered_once"
            ),
            models.CheckConstraint(
                condition=models.Q(choice="", scale=None)
                | ~models.Q(choice="") & models.Q(text="", scale=None)
                | models.Q(text="", choice="", scale__range=(LEAST, MOST)),
                name="question_answer_is_one_of_three",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(name="asked", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_ASKED),
            append_only("customer_id", "text", "stands"),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """As it is read."""
        return str(self.scale) if self.scale is not None else self.choice or self.text
