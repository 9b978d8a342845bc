"""How the console words what a customer was told on arrival."""

from django import template
from django.utils.functional import Promise as LazyText
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Acknowledgement
from cases.templatetags.console import moment
from cases.undelivered import cause

register = template.Library()

_BASES: dict[str, LazyText] = {
    "pace": gettext_lazy("Acknowledged: answer by %(when)s (usual pace)"),
    "target": gettext_lazy("Acknowledged: answer by %(when)s (service time)"),
    "promise": gettext_lazy("Acknowledged: answer by %(when)s (promised before)"),
    "none": gettext_lazy("Acknowledged, without a time"),
}
# Where nothing left, without and with a promise all the same.
_SILENT = (gettext_lazy("Not acknowledged"), gettext_lazy("Not acknowledged; answer owed by %(when)s"))
_UNSENT: dict[str, LazyText] = {
    "no_way": gettext_lazy("no message: there is no address to write to"),
    "no_channel": gettext_lazy("no message: this channel takes none"),
    "nobody_reads": gettext_lazy("no message: nobody reads at this address"),
    "own_address": gettext_lazy("no message: this address is ours"),
    "often_enough": gettext_lazy("no message: they have had enough of these"),
    "unusual_rate": gettext_lazy("no message: unusually many from this domain"),
}


@register.simple_tag
def acknowledged(told: Acknowledgement) -> SafeString:
    """What a customer was told, and by when they hear from us."""
    said = _BASES[told.basis] if told.dispatch_id else _SILENT[told.expected_at is not None]
    sentence = escape(str(said)).replace("%(when)s", "{}")
    return format_html(sentence, moment(told.expected_at))


@register.filter
def unsent(reason: str) -> str:
    """Why a customer was not told."""
    return str(_UNSENT.get(reason, "")) or _("no message: %(why)s") % {"why": cause(reason)}
