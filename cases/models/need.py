"""Whether the customer has what they came for: how we know, and the trigger by which only the verbs can say so."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases import transitions

# How we know that a need is met. Evidence only: nothing here is guessed.
HOW = {
    "customer_said": _("the customer said so"),
    "survey": _("the customer answered a survey"),
    "silence": _("silence since our answer"),
}

# Where nobody waits but for the customer: only there silence speaks.
THEIR_TURN = (transitions.WAITING_CUSTOMER, transitions.RESOLVED, transitions.CLOSED)

# What the sweep of silence reads (cases.silence): cases leave it as soon as they are met, or are promised something.
SILENT = models.Index(
    fields=["queue", "silent_since", "id"],
    name="case_silent",
    condition=models.Q(status__in=THEIR_TURN, need_met_event=None, promise_due_at=None, silent_since__isnull=False),
)

# `need_met_event` points at the very event by which it was set: an event of this case, of this kind, and none since that
# ended it. So no statement, however it got here, can borrow another case's evidence or one that was taken back. Versions
# are compared, never clocks.
_ITS_OWN = """
IF NOT EXISTS (
    SELECT FROM crm_event met
     WHERE met.id = NEW.need_met_event_id AND met.stream = 'case' AND met.stream_id = NEW.id AND met.kind = 'need_met'
       AND NOT EXISTS (SELECT FROM crm_event later
                        WHERE later.stream = 'case' AND later.stream_id = NEW.id AND later.version > met.version
                          AND later.kind IN ('need_met', 'need_unmet', 'reopened', 'marked_spam', 'merged'))
) THEN
    RAISE EXCEPTION 'need_met_event % is no standing evidence of case %', NEW.need_met_event_id, NEW.id
        USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""

MET_BY_ITS_OWN_EVENT = pgtrigger.Trigger(
    name="met_by_its_own_event",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("need_met_event_id"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(new__need_met_event__isnull=False),
    func=_ITS_OWN,
)
