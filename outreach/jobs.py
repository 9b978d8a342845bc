"""What the keeper repeats for offers."""

from datetime import datetime

from crm.jobs import every
from outreach import fulfilling, sources


@every(5, name="outreach.fulfil")
def fulfil(now: datetime) -> int:
    """Acceptances that wait to be done."""
    return fulfilling.fulfil_due(now)


@every(60, name="outreach.sources")
def refresh(now: datetime) -> int:
    """Offers of other systems; one round is enough."""
    sources.refresh()
    return 0
