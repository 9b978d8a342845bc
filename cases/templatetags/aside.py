"""How a talk beside a case is shown: what did not arrive, what a reader is warned of."""

from django import template
from django.utils.translation import gettext_lazy as _

from cases import sides
from cases.models import Dispatch, SideMessage

register = template.Library()

_WARNINGS = {
    "another_address": _("from an address that was not asked"),
    "from_the_customer": _("from the customer’s own address"),
    "sender_unverified": _("who wrote it is not certain"),
    "own_address": _("under an address of ours"),
    "files_left_out": _("not all files could be kept"),
}


@register.filter
def undelivered(message: SideMessage) -> list[Dispatch]:
    return sides.trouble(message)


@register.filter
def undoable(message: SideMessage) -> bool:
    return sides.can_be_undone(message)


@register.filter
def warnings(message: SideMessage) -> list[str]:
    return [str(_WARNINGS[flag]) for flag in message.flags if flag in _WARNINGS]
