"""What a condition can be put together from, for the editor at /admin/ (static/js/admin_rule.js)."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from customers import resting, saying
from customers.comparisons import COUNTS, OPERATORS
from customers.conditions import Collection, Fact
from customers.models import Segment


def catalogue(facts: Mapping[str, Fact | Collection]) -> dict[str, Any]:
    """All of it, in the language of whoever asks."""
    return {
        "facts": [fact_told(fact, str(fact.label)) for fact in facts.values() if isinstance(fact, Fact)],
        "collections": [collection(rows) for rows in facts.values() if isinstance(rows, Collection)],
        **common(),
        "words": words(),
    }


def common() -> dict[str, Any]:
    """What every condition is put together from, whatever it asks about."""
    return {
        "operators": {kind: _operators(OPERATORS[kind], saying.OPERATORS) for kind in OPERATORS},
        "counts": _operators(COUNTS, saying.OPERATORS),
        "segments": [list(pair) for pair in Segment.objects.active().values_list("key", "name")],
    }


def fact_told(fact: Fact, label: str) -> dict[str, Any]:
    return {"name": fact.name, "type": fact.type, "label": resting.label(label, fact.rests)}


def collection(rows: Collection) -> dict[str, Any]:
    fields = [{"name": f.name, "type": f.type, "label": str(f.label)} for f in rows.fields]
    return {
        "name": rows.name,
        "label": resting.label(rows.label, rows.rests),
        "fields": fields,
        "timed": bool(rows.moment),
    }


def _operators(found: Mapping[str, Any], said: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "label": str(said[name]), "takes": op.takes} for name, op in found.items()]


def words() -> dict[str, str]:
    """Every word of the editor of conditions."""
    return {
        "all": _("All of these hold"),
        "any": _("Any of these holds"),
        "not": _("not"),
        "add": _("Add a condition"),
        "group": _("Add a group"),
        "rows": _("Add: there are …"),
        "counted": _("Add: how many …"),
        "segment": _("Add: in a segment"),
        "in_segment": _("in the segment"),
        "some": _("there are"),
        "number": _("the number of"),
        "window": _("in the last … days (empty: ever)"),
        "days": _("days"),
        "remove": _("Remove"),
        "json": _("As JSON"),
        "form": _("As a form"),
        "fact": _("What"),
        "compare": _("How"),
        "joined": _("Together"),
        "value": _("Value"),
        "none": _("No condition: it always holds."),
        "never": _("No condition: it never holds."),
        "yes": _("yes"),
        "no": _("no"),
        "commas": _("several, separated by commas"),
        "days_ago": _("days ago"),
        "hours_ago": _("hours ago"),
        "days_ahead": _("days from now"),
        "hours_ahead": _("hours from now"),
        "at": _("at"),
        "and": _("and"),
        "where": _("where"),
    }
