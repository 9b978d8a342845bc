"""How many of an offer are gone, without reading what everybody ever said to it."""

import pgtrigger
from django.db import models

from outreach.models.offer import Offer

# Of one presentation's answers the newest stands, and those of one are counted one after the other: each waits for the
# presentation's row, then sees what was there before. A number that comes late changes nothing.
_COUNTED = """
    PERFORM FROM outreach_offerpresentation WHERE id = NEW.presentation_id FOR NO KEY UPDATE;
    SELECT number, kind INTO was FROM outreach_offerresponse
     WHERE presentation_id = NEW.presentation_id AND id <> NEW.id ORDER BY number DESC LIMIT 1;
    IF was.number > NEW.number THEN RETURN NULL; END IF;
    step := (NEW.kind = 'accepted')::int - COALESCE(was.kind = 'accepted', false)::int;
    IF step <> 0 THEN
        INSERT INTO outreach_taken AS held (offer_id, many)
        SELECT v.offer_id, step FROM outreach_offerpresentation p
          JOIN outreach_decisioncandidate k ON k.id = p.candidate_id
          JOIN outreach_offerversion v ON v.id = k.offer_version_id
         WHERE p.id = NEW.presentation_id
        ON CONFLICT (offer_id) DO UPDATE SET many = held.many + step;
    END IF;
    RETURN NULL;
"""
COUNTS_TAKEN = pgtrigger.Trigger(
    name="counted",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    declare=[("was", "record"), ("step", "int")],
    func=_COUNTED,
)


class Taken(models.Model):
    """How many acceptances of an offer stand. A trigger of the answers counts, in their own transaction, whoever writes
    them: of two at once the second waits, and whoever holds the offer's row (outreach.responding) reads what is final."""

    offer = models.OneToOneField(Offer, models.CASCADE, primary_key=True, related_name="+")
    many = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.many} of {self.offer_id}"
