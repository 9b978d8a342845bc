"""The history of a row of the configuration, by whatever way it was changed: its versions with who made each, what was
recorded of it in the log, and every column as it stood before (crm.history)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.translation import gettext as _

from crm.history import BEFORE
from crm.models import Event, User

MOST = 100
LONGEST = 200  # characters of a value
_NOT_TOLD = {"id", "number", "created_at", "created_by"}


@dataclass(frozen=True)
class Happened:
    """One line: when, by whom where that is known, and what."""

    at: datetime
    who: str
    what: str


def of(row: Model) -> list[Happened]:
    """The newest first."""
    found = [*_versions(row), *_recorded(row), *_kept(row)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST]


def _versions(row: Any) -> Iterator[Happened]:
    if not hasattr(row, "versions"):
        return
    made = list(row.versions.select_related("created_by").order_by("-number")[: MOST + 1])
    for version, before in zip(made, [*made[1:], None], strict=False):
        told = _("Version %(number)s") % {"number": version.number}
        others = "; ".join(_differing(_columns(before), _columns(version))) if before else _("the first")
        yield Happened(version.created_at, version.created_by.name if version.created_by else "–", f"{told}: {others}")


def _columns(version: Any) -> dict[str, Any]:
    return {
        f.verbose_name: getattr(version, f.attname) for f in version._meta.concrete_fields if f.name not in _NOT_TOLD
    }


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_words(before[name])} → {_words(now)}" for name, now in after.items() if before.get(name) != now]


def _words(value: object) -> str:
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    text = str(value) if value not in (None, "", {}) else "–"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _recorded(row: Any) -> Iterator[Happened]:
    """What its verbs wrote into the log; names of people by their ids."""
    if not hasattr(row, "stream"):
        return
    events = Event.objects.filter(stream=row.stream, stream_id=row.pk).exclude(kind__in=["joined", "left"])
    rows = list(events.select_related("actor").order_by("-version")[:MOST])
    people = User.objects.in_bulk({pk for event in rows if isinstance(pk := event.data.get("user"), int)})
    for event in rows:
        data = event.data | ({"user": people[event.data["user"]].name} if event.data.get("user") in people else {})
        told = ", ".join(f"{key}: {_words(value)}" for key, value in data.items())
        who = event.actor.name if event.actor else event.via
        yield Happened(event.at, who, f"{event.kind.replace('_', ' ')}{f' ({told})' if told else ''}")


def _kept(row: Model) -> Iterator[Happened]:
    """What database triggers kept: each column before and after, whoever wrote it."""
    try:
        model: Any = apps.get_model(row._meta.app_label, f"{row._meta.object_name}Event")
    except LookupError:
        return
    names = {f.name for f in model._meta.concrete_fields if not f.name.startswith("pgh_")} - {"id"}
    fields = [f for f in row._meta.concrete_fields if f.name in names]
    kept = list(model.objects.filter(pgh_obj_id=row.pk, pgh_label=BEFORE).order_by("-pgh_id")[:MOST])
    after: Any = row
    for before in kept:
        told = _differing(*({str(f.verbose_name): getattr(one, f.attname) for f in fields} for one in (before, after)))
        if told:
            yield Happened(before.pgh_created_at, "", "; ".join(told))
        after = before
