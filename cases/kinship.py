"""What the room says of cases that belong together: one line for what came before, one for what came after."""

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.hooks import Banner
from cases.models import Case, CaseLink
from cases.models.case import CaseQuerySet
from crm.models import User
from customers.merging import current
from customers.models import Customer

LATER = ("follows", "possible_follow_up", "suggested")
KINDS = (*LATER, "split_from")  # of what was split off the thread it came from tells itself


def columns() -> dict[str, Exists]:
    """Whether a case has kin at all, read with the case: most have none, and nothing more is asked then."""
    links = CaseLink.objects.filter(kind__in=KINDS)
    return {
        "has_earlier": Exists(links.filter(case=OuterRef("pk"))),
        "has_later": Exists(links.filter(other=OuterRef("pk"), kind__in=LATER)),
    }


def before(case: Case, user: User) -> Banner | None:
    """The case this one follows, or may: for who may see it. Nothing of the other is shown but its number."""
    if not getattr(case, "has_earlier", True):
        return None
    links = CaseLink.objects.filter(case=case, kind__in=KINDS, other__in=_visible(user))
    link = links.select_related("other__customer", "case__customer").order_by("pk").first()
    if link is None:
        return None
    return Banner(_words(link) % {"number": link.other.number}, "calm", _address(link.other))


def after(case: Case, user: User) -> Banner | None:
    """What was opened since and may belong here."""
    if not getattr(case, "has_later", True):
        return None
    links = CaseLink.objects.filter(other=case, kind__in=LATER, case__in=_visible(user)).select_related("case")
    found = [link.case for link in links.order_by("-case_id")[:50]]
    if not found:
        return None
    told = ngettext(
        "A later case may belong here: #%(number)s.",
        "%(count)d later cases may belong here, the newest is #%(number)s.",
        len(found),
    )
    return Banner(told % {"number": found[0].number, "count": len(found)}, "calm", _address(found[0]))


def _words(link: CaseLink) -> str:
    if link.kind == "follows":
        return _("Follows #%(number)s, which is closed.")
    if link.kind == "split_from":
        return _("Split off from #%(number)s.")
    if link.kind == "suggested":
        return _("The subject names #%(number)s. Anybody can write that: look before you tell.")
    if _is_same(link.case.customer, link.other.customer):
        return _("Possible follow-up of #%(number)s, by the same customer.")
    return _("Possible follow-up of #%(number)s, by somebody who does not take part there.")


def _is_same(one: Customer | None, other: Customer | None) -> bool:
    return one is not None and other is not None and current(one).pk == current(other).pk


def _visible(user: User) -> CaseQuerySet:
    return Case.objects.visible_to(user)


def _address(case: Case) -> str:
    return reverse("cases:case", args=[case.number])
