"""What a customer's line of time shows of their cases: what happened, and apart from it what was said. A query each."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Case as Either
from django.db.models import CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils.translation import gettext as _

from cases import telling
from cases.models import Case, Message, Promise, SurveyAnswer
from cases.models.case import CaseQuerySet
from cases.sight import SightRows
from crm.models import User
from customers.hooks import Entry
from customers.models import Customer

SAID = "cases.said"  # the fill a page leaves out where the thread stands beside it
SHOWN = 240  # characters of a message
_ICONS = {"inbound": "message-circle", "outbound": "send", "note": "sticky-note"}
_DIRECTIONS = {"message": ["inbound", "outbound"], "note": ["note"], "": list(_ICONS)}


def happened(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    """Cases opened, promises made and what was answered to our question, in the cases of this customer that `user` may see."""
    if kind not in {"", *_PARTS}:
        return []
    about = (user, customer.pk, before)
    rows = _rows(*about, limit, kind) if kind else _all(limit)(*about)
    entries = [_entry(*row) for row in rows]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def _rows(user: User, customer: int, before: datetime, limit: int, kind: str) -> QuerySet[Any, Any]:
    cases = Case.objects.visible_to(user).filter(customer=customer)
    parts = [part(cases, before)[:limit] for name, part in _PARTS.items() if kind in {"", name}]
    return parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]


@lru_cache(16)
def _all(limit: int) -> SightRows:
    return SightRows(lambda user, customer, before: _rows(user, customer, before, limit, ""), int, datetime)


def _opened(cases: CaseQuerySet, before: datetime) -> QuerySet[Case, Any]:
    return cases.filter(opened_at__lt=before).order_by("-opened_at").values_list(*_row("case", "opened_at"))


def _promised(cases: CaseQuerySet, before: datetime) -> QuerySet[Promise, Any]:
    made = Promise.objects.filter(case__in=cases.order_by(), made_at__lt=before).order_by("-made_at", "-id")
    return made.values_list(*_row("promise", "made_at", "case__", "what", "state"))


def _answered(cases: CaseQuerySet, before: datetime) -> QuerySet[SurveyAnswer, Any]:
    """As it stands: they may change it for a day."""
    said = When(solved=True, then=Value("yes "))
    found = SurveyAnswer.objects.filter(case__in=cases.order_by(), changed_at__lt=before).order_by("-changed_at", "-pk")
    found = found.annotate(said=Concat(Either(said, default=Value("no ")), "feeling", output_field=CharField()))
    return found.values_list(*_row("survey", "changed_at", "case__", "words", "said"))


def _row(kind: str, at: str, case: str = "", text: str = "subject", state: str = "status") -> list[Any]:
    return [Value(kind, CharField()), F(at), F(f"{case}number"), F(text), F(state)]


_PARTS: dict[str, Callable[[CaseQuerySet, datetime], QuerySet[Any, Any]]] = {
    "case": _opened,
    "promise": _promised,
    "survey": _answered,
}


def _entry(kind: str, at: datetime, number: int, text: str, state: str) -> Entry:
    if kind == "survey":
        return _survey(at, number, text, *state.split(" "))
    if kind == "case":
        words, title, icon = dict(Case.Status.choices), f"#{number} {text}", "inbox"
    else:
        words, title, icon = dict(Promise.State.choices), text, "handshake"
    return Entry(at, kind, title, str(words.get(state, state)), _url(number), icon)


def _survey(at: datetime, number: int, words: str, solved: str, feeling: str) -> Entry:
    """What they answered when asked whether it was solved, how it felt, and what they added."""
    yes, no = _("Asked whether #%(case)d was solved: yes"), _("Asked whether #%(case)d was solved: no")
    title = (yes if solved == "yes" else no) % {"case": number}
    quote = f"“{' '.join(words.split())[:SHOWN]}”" if words else ""
    felt = str(telling.FELT.get(feeling, ""))
    return Entry(
        at, "survey", title, ": ".join(filter(None, [felt, quote])), _url(number), "message-circle-question-mark"
    )


def said(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    """Words and notes in the cases of this customer that `user` may see."""
    if kind not in _DIRECTIONS:
        return []
    cases = Case.objects.visible_to(user).filter(customer=customer)
    which = Q(direction__in=_DIRECTIONS[kind])
    found = Message.objects.filter(which, case__in=cases.order_by(), at__lt=before, taken_back_at=None)
    newest = found.select_related("case", "author").order_by("-at", "-id")[:limit]
    return [
        Entry(
            m.at,
            "note" if m.is_note else "message",
            _who(m),
            " ".join(m.text[: 2 * SHOWN].split())[:SHOWN],
            _url(m.case.number),
            _ICONS[m.direction],
        )
        for m in newest
    ]


def _who(message: Message) -> str:
    number = f"#{message.case.number}"
    if message.direction == Message.Direction.INBOUND:
        return _("%(name)s wrote in %(case)s") % {"name": message.sender_name or _("The customer"), "case": number}
    name = message.author_name or _("Somebody")
    if message.is_note:
        return _("%(name)s noted in %(case)s") % {"name": name, "case": number}
    return _("%(name)s answered in %(case)s") % {"name": name, "case": number}


def _url(number: int) -> str:
    return reverse("cases:case", args=[number])
