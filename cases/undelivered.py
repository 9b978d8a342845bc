"""Why a message did not go out, or may not have arrived, in words for a person."""

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_REASONS: dict[str, LazyText] = {
    "suppressed": gettext_lazy("this address asked not to be written to, or bounced"),
    "erased": gettext_lazy("this customer's data was erased"),
    "no_consent": gettext_lazy("there is no consent for this"),
    "consent_withdrawn": gettext_lazy("consent was withdrawn"),
    "bad_address": gettext_lazy("this is not a mail address"),
    "no_mail_server": gettext_lazy("no mail server is set up; tell your administrator"),
    "no_connection": gettext_lazy("the other side could not be reached"),
    "no_answer": gettext_lazy("the other side did not answer in time; it may have arrived"),
    "not_supported": gettext_lazy("our mail server cannot write to this address"),
    "no_channel": gettext_lazy("there is no active channel to send it through"),
    "no_callback": gettext_lazy("this channel has no call-back address; tell your administrator"),
    "no_secret": gettext_lazy("this channel has no secret to sign with; tell your administrator"),
    "forbidden_address": gettext_lazy("the call-back address of this channel is not allowed; tell your administrator"),
    "interrupted": gettext_lazy("sending was interrupted; it may have arrived"),
    "slow": gettext_lazy("we were too slow to begin; nothing of it left, and it is tried again"),
    "no_address": gettext_lazy("there is no such address; nothing more is sent to it"),
    "no_host": gettext_lazy("the mail server of this address cannot be found"),
    "mailbox_full": gettext_lazy("the mailbox is full"),
    "too_large": gettext_lazy("the mail is too large for the other side"),
    "blocked": gettext_lazy("the other side’s filter refused it; tell your administrator"),
    "gave_up": gettext_lazy("the other side’s server could not be reached for too long"),
    "undelivered": gettext_lazy("the other side could not deliver it"),
    "restored": gettext_lazy("the database came back from a backup; it may have been sent since"),
    "not_permitted": gettext_lazy("something tried to send it past our own rules; tell your administrator"),
    "refused": gettext_lazy("the other side refused it"),
    "moot": gettext_lazy("all of it was dealt with before it left"),
    "error": gettext_lazy("something went wrong on our side"),
}


def cause(reason: str) -> str:
    """Why a message did not go out, in words. What the other side wrote may hold an address, so it is not shown: the
    fragment goes to people who may not see addresses."""
    if reason.startswith(("status_", "smtp_")):
        return _("the other side answered with error %(code)s") % {"code": reason.partition("_")[2]}
    return str(_REASONS.get(reason, reason.replace("_", " ")))
