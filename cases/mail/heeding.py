"""What an address changes by refusing or complaining: we stop, until a person lifts it on the system pages."""

from cases.mail.refusals import NO_ADDRESS
from cases.models import Dispatch
from customers.addresses import BadAddress, normalise
from customers.models import Consent, Suppression


def refused(dispatch: Dispatch, reason: str) -> None:
    """Nothing goes to an address that does not exist: mail systems judge senders who keep trying."""
    if reason == NO_ADDRESS:
        _stop(dispatch, "", "hard_bounce")


def complained(dispatch: Dispatch) -> None:
    """Nothing goes to who called our mail spam but answers to what they ask."""
    for purpose in Consent.Purpose.values:
        _stop(dispatch, purpose, "complaint")


def _stop(dispatch: Dispatch, purpose: str, reason: str) -> None:
    try:
        value = normalise("email", dispatch.address).value
    except BadAddress:
        return  # nothing was sent there
    Suppression.objects.get_or_create(
        kind="email", value=value, purpose=purpose, lifted_at=None, defaults={"reason": reason}
    )
