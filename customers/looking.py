"""Who a condition means, looked at before anybody keeps it: how many, some of them, and why each is among them."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import User
from customers import conditions, facts, resting, saying, segments
from customers.conditions import BadCondition
from customers.models import Customer

SAMPLE = 10


@dataclass(frozen=True)
class Example:
    """One of them, and what of theirs fulfils the condition."""

    customer: Customer
    reasons: list[str]


@dataclass(frozen=True)
class Look:
    """Of all customers, `count` are meant; the sample is of those the asking person may see."""

    sentence: str
    count: int
    sample: list[Example]
    took_ms: float  # to count them
    note: str = ""  # what of the condition nobody can tell just now


@resting.again
def look(condition: Any, user: User, now: datetime, *, key: str = "") -> Look:
    """Ask about a condition nobody has saved yet (`key`: of the segment whose it is). Raises conditions.BadCondition."""
    checked = segments.checked(condition, key=key, at=now)
    began = time.perf_counter()
    count = checked.customers().count()
    took = (time.perf_counter() - began) * 1000
    seen = Customer.objects.visible_to(user).current()
    rows = list(checked.customers(seen).order_by("pk").prefetch_related("contact_points")[:SAMPLE])
    known = facts.load(rows, now, names=checked.names)
    sample = [Example(row, saying.reasons(condition, known[row.pk], now)) for row in rows]
    return Look(saying.whole(condition), count, sample, round(took, 1), resting.words(checked.resting))


def note(condition: Any, now: datetime) -> str:
    """What of a condition nobody can tell just now, because a plugin does not answer; of none (None) everything is told."""
    return resting.words(conditions.compile(condition, at=now).resting) if condition is not None else ""


def typed(text: str, user: User, now: datetime, *, key: str = "") -> dict[str, Any]:
    """For the editor, while somebody writes: the sentence, the count and the sample, or what is wrong and where."""
    try:
        found = look(json.loads(text), user, now, key=key)
    except BadCondition as bad:
        return {"ok": False, "words": str(bad)}
    except (ValueError, RecursionError):
        return {"ok": False, "words": _("This is no JSON yet.")}
    told = ngettext("%(count)d customer", "%(count)d customers", found.count) % {"count": found.count}
    sample = [
        {
            "name": str(example.customer),
            "url": reverse("customers:customer", args=[example.customer.pk]),
            "why": "; ".join(example.reasons),
        }
        for example in found.sample
    ]
    return {"ok": True, "words": " ".join(filter(None, [f"{found.sentence} — {told}", found.note])), "sample": sample}
