"""What the variables of a text stand for in one case, and in which language its customer is written to."""

import zoneinfo
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format

from cases.compose import moment
from cases.models import Case
from crm.languages import spoken
from crm.models import User

Promised = tuple[str, datetime | None]  # what, and by when


def values(case: Case, *, language: str, by: User | None = None, promise: Promised | None = None) -> dict[str, str]:
    """Each variable's value, in `language` and the customer's own time; what nobody knows is empty. `promise` is one that
    is being made; without it the one that stands. Without `by` nobody speaks: a rule does."""
    customer = case.customer
    zone = zoneinfo.ZoneInfo(customer.tz if customer else "UTC")
    what, due = promise or promised(case)
    with translation.override(spoken(language)):
        return {
            "customer.name": customer.name if customer else "",
            "customer.first_name": first_name(customer.name) if customer else "",
            "customer.organization": customer.organization.name if customer and customer.organization else "",
            "case.number": str(case.number),
            "case.subject": case.subject,
            "case.opened": date_format(timezone.localtime(case.opened_at, zone), "j F Y"),
            "queue.name": case.queue.name,
            "rep.name": by.name if by else "",
            "rep.first_name": (by.first_name or first_name(by.name)) if by else "",
            "promise.what": what,
            "promise.due": moment(due, zone) if due else "",
            "company.name": settings.COMPANY,
        }


def promised(case: Case) -> Promised:
    """The open promise that is due first."""
    if case.promise_due_at is None:
        return "", None
    promise = case.promises.filter(state="open").order_by("due_at", "pk").first()
    return (promise.what, promise.due_at) if promise else ("", None)


def first_name(name: str) -> str:
    """How one is addressed: the first word, the one after the comma where the last name comes first. An address is no
    name."""
    if "@" in name:
        return ""
    _last, comma, given = name.partition(",")
    return next(iter((given if comma else name).split()), "")


def told_in(texts: Mapping[str, str], case: Case) -> tuple[str, str]:
    """Language and text for this case: as it is spoken in the case, then as the customer reads, then the house's own, then
    the first there is. A regional language falls back to its base, and the base to any region of it."""
    wanted = [case.language, case.customer.language if case.customer else "", settings.LANGUAGE_CODE]
    for code in filter(None, wanted):
        for language in (code, base(code), *(each for each in texts if base(each) == base(code))):
            if texts.get(language):
                return language, texts[language]
    return next(((language, text) for language, text in texts.items() if text), ("", ""))


def base(code: str) -> str:
    return code.replace("_", "-").partition("-")[0].lower()
