"""Why somebody is not written to, and how a delivery stands, in words."""

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

from cases.undelivered import cause

_REASONS: dict[str, LazyText] = {
    "no_address": _("no mail address"),
    "suppressed": _("the address bounced or asked not to be written to"),
    "consent_withdrawn": _("refused service messages"),
    "erased": _("data erased"),
    "merged": _("told under another record"),
    "told_before": _("told under another record"),
    "same_address": _("this address was told already"),
    "not_exposed": _("no longer likely to be hit"),
    "stopped": _("stopped"),
    "paused": _("paused"),
    "quiet_hours": _("night where they are"),
    "interrupted": _("sending was interrupted; it may have arrived"),
    "no_answer": _("the mail server broke off; it may have arrived"),
    "undecided": _("held back until it can be decided"),
    "no_connection": _("the mail server could not be reached"),
    "no_mail_server": _("no mail server is set up"),
    "bad_address": _("not a mail address"),
    "undelivered": _("came back undelivered"),
    "bounced": _("came back undelivered"),
}
_STANDS: dict[str, LazyText] = {
    "planned": _("in line"),
    "held": _("about to leave"),
    "claimed": _("on its way"),
    "sent": _("sent"),
    "failed": _("not delivered"),
    "unknown": _("unknown: may have arrived"),
    "suppressed": _("held back"),
    "withheld": _("not written to"),
}


def words_of(reason: str, state: str = "") -> str:
    """Why, of a delivery that stands so. What failed at the other side is worded as it is in cases: an address that there
    is not is another thing than a customer without one."""
    ours = None if (state, reason) == ("failed", "no_address") else _REASONS.get(reason)
    return str(ours or cause(reason))


def stands(state: str) -> str:
    return str(_STANDS.get(state, state))
