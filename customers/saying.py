"""Conditions as sentences, and why one holds for a customer. Names and values are what stands in the database now; nothing
here decides anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise as LazyText
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from customers.conditions import Collection, Money, compile, segments_in
from customers.models import Segment

OPERATORS: dict[str, LazyText] = {
    "is": gettext_lazy("is"),
    "in": gettext_lazy("is one of"),
    "starts_with": gettext_lazy("begins with"),
    "contains": gettext_lazy("contains"),
    "contains_any": gettext_lazy("contains any of"),
    "known": gettext_lazy("is known"),
    "less_than": gettext_lazy("is less than"),
    "at_most": gettext_lazy("is at most"),
    "more_than": gettext_lazy("is more than"),
    "at_least": gettext_lazy("is at least"),
    "between": gettext_lazy("is between"),
    "before": gettext_lazy("is before"),
    "until": gettext_lazy("is until"),
    "after": gettext_lazy("is after"),
    "since": gettext_lazy("is since"),
    "has": gettext_lazy("include"),
    "has_any": gettext_lazy("include any of"),
    "has_all": gettext_lazy("include all of"),
    "is_empty": gettext_lazy("are none"),
}
# How many rows there are, in a sentence.
COUNTS: dict[str, LazyText] = {
    "is": gettext_lazy("exactly %(n)s"),
    "in": gettext_lazy("one of %(n)s"),
    "less_than": gettext_lazy("fewer than %(n)s"),
    "at_most": gettext_lazy("at most %(n)s"),
    "more_than": gettext_lazy("more than %(n)s"),
    "at_least": gettext_lazy("at least %(n)s"),
    "between": gettext_lazy("between %(n)s"),
}
_YES_NO = {"known", "is_empty"}
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """What the names in a condition stand for: facts and collections, the words of enumerated values by fact, the names
    of segments."""

    facts: Facts
    choices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)

    def inside(self, rows: Any) -> "Said":
        fields = {f.name: f for f in rows.fields} if isinstance(rows, Collection) else {}
        return Said(fields, self.choices, self.segments)


def condition(data: Any, facts: Facts, choices: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """A condition as a sentence; "" for one that holds for everything."""
    return _part(data, _known(data, facts, choices), outermost=True)


def whole(data: Any) -> str:
    """Which customers a condition means, as one sentence."""
    from customers.facts import registry

    told = condition(data, registry())
    return _("Customers of whom this is true: %(condition)s.") % {"condition": told} if told else _("Every customer.")


def _known(data: Any, facts: Facts, choices: Mapping[str, Mapping[str, Any]] | None = None) -> Said:
    keys = segments_in(data)
    names = dict(Segment.objects.filter(key__in=keys).values_list("key", "name")) if keys else {}
    return Said(facts, choices or {}, names)


def _part(data: Any, said: Said, *, outermost: bool = False) -> str:
    for word, joiner in (("all", _(" and ")), ("any", _(" or "))):
        if word in data:
            told = [(part, _part(part, said)) for part in data[word]]
            many = sum(bool(one) for _part_, one in told) > 1
            apart = [f"({one})" if many and _has_where(part) else one for part, one in told if one]
            return _joined(apart, joiner, word, outermost)
    if "not" in data:
        return _("not (%(condition)s)") % {"condition": _part(data["not"], said, outermost=True) or _("always")}
    if "segment" in data:
        return _("in the segment “%(name)s”") % {"name": said.segments.get(data["segment"], data["segment"])}
    return _rows(data, said) if "exists" in data or "count" in data else _leaf(data, said)


def _has_where(data: Mapping[str, Any]) -> bool:
    """Whether a condition of rows would run into what stands beside it."""
    return bool(data.get("where", {"all": []}) != {"all": []})


def _joined(told: list[str], joiner: str, word: str, outermost: bool) -> str:
    if not told:
        return "" if word == "all" else _("never")
    return told[0] if len(told) == 1 else joiner.join(told) if outermost else f"({joiner.join(told)})"


# --- rows


def _rows(data: Mapping[str, Any], said: Said) -> str:
    name = data.get("count", data.get("exists"))
    rows = said.facts.get(name)
    if "count" in data:
        told = f"{_many(data['op'], data.get('value'))} {_label(rows, data.get('value')) if rows else name}"
    else:
        told = _("there are %(rows)s") % {"rows": _label(rows) if rows else name}
    if days := data.get("within_days"):
        told = f"{told} {_window(days)}"
    where = _part(data.get("where", {"all": []}), said.inside(rows), outermost=True)
    return _("%(told)s where %(where)s") % {"told": told, "where": where} if where else told


def _many(op: str, value: Any) -> str:
    if op == "between":
        low, high = value
        return _("between %(low)s and %(high)s") % {"low": low, "high": high}
    told = ", ".join(str(one) for one in value) if isinstance(value, list) else value
    return str(COUNTS[op]) % {"n": told}


def _window(days: int) -> str:
    return ngettext("in the last %(n)d day", "in the last %(n)d days", days) % {"n": days}


def _label(rows: Collection, many: Any = None) -> str:
    """What the rows are called within a sentence: as it is written there, and as one where it is one."""
    label = str(rows.one if rows.one and str(many) == "1" else rows.label)
    return label if (get_language() or "").startswith("de") else f"{label[:1].lower()}{label[1:]}"


# --- comparisons


def _leaf(data: Mapping[str, Any], said: Said) -> str:
    known = said.facts.get(data["fact"])
    label, op = str(known.label if known else data["fact"]), data["op"]
    if data["fact"].startswith("customer."):
        label = _("the customer’s %(fact)s") % {"fact": label}
    value = data.get("value", True)
    if op in _YES_NO:
        told = str(OPERATORS[op])
        return f"{label} {told}" if value else _("%(label)s: not so (%(told)s)") % {"label": label, "told": told}
    if isinstance(value, bool):
        return label if value else _("not: %(label)s") % {"label": label}
    return f"{label} {OPERATORS.get(op, op)} {_value(data['fact'], value, said)}"


def _value(name: str, value: Any, said: Said) -> str:
    if isinstance(value, list):
        return ", ".join(_value(name, one, said) for one in value)
    if isinstance(value, dict):
        return _relative(value)
    return str(said.choices.get(name, {}).get(value, value))


def _relative(value: Mapping[str, Any]) -> str:
    if "amount" in value:
        return f"{value['amount']} {value.get('currency', '')}".strip()
    words = {
        "days_ago": ngettext("%(n)s day ago", "%(n)s days ago", 2),
        "days_ahead": ngettext("%(n)s day from now", "%(n)s days from now", 2),
        "hours_ago": ngettext("%(n)s hour ago", "%(n)s hours ago", 2),
        "hours_ahead": ngettext("%(n)s hour from now", "%(n)s hours from now", 2),
    }
    key, count = next(iter(value.items()), ("", ""))
    return words.get(key, "%(n)s") % {"n": count}


# --- why it holds for somebody


def reasons(data: Any, known: Mapping[str, Any], at: datetime) -> list[str]:
    """What of a customer fulfils a condition that holds for them, in the order of the condition: what is known, how many
    rows there are, and in words what is not so."""
    from customers.facts import registry

    facts = registry()
    return list(dict.fromkeys(_why(data, known, at, _known(data, facts))))


def _why(data: Any, known: Mapping[str, Any], at: datetime, said: Said) -> Iterable[str]:
    if "all" in data or "any" in data:
        for part in [*data.get("all", ()), *data.get("any", ())]:
            found = compile(part, at=at)
            if found.names <= known.keys() and found.holds(known):
                yield from _why(part, known, at, said)
    elif "not" in data or "segment" in data:
        yield _part(data, said)
    elif "exists" in data or "count" in data:
        yield _why_rows(data, known, at, said)
    elif data["fact"] in known:
        yield _told_value(data, known[data["fact"]], said)


def _why_rows(data: Mapping[str, Any], known: Mapping[str, Any], at: datetime, said: Said) -> str:
    """How many rows there are of those that are meant."""
    name = data.get("count", data.get("exists"))
    meant = {word: data[word] for word in ("where", "within_days") if word in data}
    one = compile({"exists": name, **meant}, at=at)
    many = sum(one.holds({name: [row]}) for row in known[name])
    told = f"{many} {_label(said.facts[name], many)}"
    return f"{told} {_window(data['within_days'])}" if "within_days" in data else told


def _told_value(data: Mapping[str, Any], value: Any, said: Said) -> str:
    if value is None or isinstance(value, bool):
        return _leaf(data, said)
    return f"{said.facts[data['fact']].label}: {shown(value) or '–'}"


def shown(value: Any) -> str:
    """A known value as people read it."""
    if isinstance(value, Money):
        return f"{number_format(round(value.amount, 2), 2, force_grouping=True)} {value.currency}"
    if isinstance(value, (datetime, date)):
        return date_format(value, "j M Y")
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(each) for each in value if each))
    return number_format(value) if isinstance(value, Decimal | float | int) else str(value)


# --- as data

_WORDS = ("segment", "exists", "count", "where", "within_days", "all", "any", "not", "fact", "op", "value")


def as_said(part: Any) -> Any:
    """The keys in the order one says them, to be read by people: the database gives them back by their length."""
    if isinstance(part, list):
        return [as_said(each) for each in part]
    if not isinstance(part, dict):
        return part
    known = sorted(part, key=lambda key: _WORDS.index(key) if key in _WORDS else -1)
    return {key: as_said(part[key]) for key in known}
