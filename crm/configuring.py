"""Configuration out of the house and in again, as JSON: through the very addresses of the API, with the rights of who asks.

What is exported names queues, calendars, skills and people instead of their keys, so that it reads in another house. An
import finds a row by its name and changes it, or makes it; each row is tried by itself, and a dry run takes all back.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.urls import resolve
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.response import Response

from crm.models import User

LARGEST = 2 * 1024 * 1024  # bytes of a file
MOST_ROWS = 2000
# What can be taken along, in the order in which one needs the other: (address, what names a row).
KINDS: dict[str, tuple[str, Any]] = {
    "presence-reasons": ("name", gettext_lazy("Reasons to be away")),
    "calendars": ("name", gettext_lazy("Business calendars")),
    "queues": ("name", gettext_lazy("Queues")),
    "skills": ("name", gettext_lazy("Skills")),
    "dispositions": ("name", gettext_lazy("Dispositions")),
    "causes": ("name", gettext_lazy("Causes")),
    "sla-policies": ("name", gettext_lazy("SLA policies")),
    "articles": ("title", gettext_lazy("Articles")),
    "saved-replies": ("title", gettext_lazy("Saved replies")),
    "macros": ("title", gettext_lazy("Macros")),
    "playbooks": ("name", gettext_lazy("Playbooks")),
    "segments": ("key", gettext_lazy("Segments")),
    "rules": ("name", gettext_lazy("Rules")),
    "service-policies": ("name", gettext_lazy("Policies of what we give")),
    "offers": ("key", gettext_lazy("Offers")),
    "public-offers": ("name", gettext_lazy("Public offers")),
}
# Where the API has them under another address.
_AT = {"public-offers": "offers/public"}
# Of another house, or of this moment alone.
_LEFT_OUT = {
    "id",
    "terms",
    "version",
    "version_id",
    "merged_into",
    "sentence",
    "paused_at",
    "paused_why",
    "current",
    "created_at",
    "updated_at",
    "touches",
    "used_count",
    "used_at",
    "size",
    "refreshed_at",
}
# What is set by whoever steers all the queues it is marked with.
_MARKED = {"sla-policies", "articles", "saved-replies", "macros", "playbooks", "rules", "service-policies"}
# Whose keys these words hold.
_NAMED = {
    "queue": "queues", "queues": "queues", "calendar": "calendars", "skills": "skills", "macro": "macros",
    "twin": "offers",
    "person": "people", "people": "people", "assignee": "people", "owner": "people",
}  # fmt: skip
_NOBODY_S = {"me", "nobody"}  # what a macro may say in the place of a person


@dataclass(frozen=True)
class Line:
    """What became of one row: created, changed, same or refused, and why."""

    number: int
    kind: str
    name: str
    became: str
    told: str = ""


@dataclass
class Report:
    lines: list[Line] = field(default_factory=list)

    def count(self, became: str) -> int:
        return sum(line.became == became for line in self.lines)


class Unreadable(ValueError):
    """The file is not such a list; the message says what is wrong with it."""


def export(kinds: Sequence[str], user: User) -> list[dict[str, Any]]:
    """Every row of these kinds that the person sets, with names in the place of keys."""
    house = _House(user)
    # The oldest first: what names another of its kind was mostly made after it.
    rows = [(kind, row) for kind in KINDS if kind in kinds for row in reversed(house.rows(kind))]
    return [house.portable(kind, row) for kind, row in rows if house.is_theirs(kind, row)]


def take(text: str, user: User, *, dry: bool) -> Report:
    """Each row of an exported file made or changed, or refused by itself; a dry run leaves nothing behind."""
    rows, report = _read(text), Report()
    with transaction.atomic():
        house = _House(user)
        for number, row in enumerate(rows, start=1):
            report.lines.append(_taken(number, row, house))
        if dry:
            transaction.set_rollback(True)
    return report


def _read(text: str) -> list[Any]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise Unreadable(_("This is no JSON: %(why)s.") % {"why": str(error)[:100]}) from None
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        raise Unreadable(_("Give a list of at most %(most)d rows.") % {"most": MOST_ROWS})
    return rows


def _taken(number: int, row: Any, house: "_House") -> Line:
    kind = row.get("type", "") if isinstance(row, dict) else ""
    if kind not in KINDS:
        return Line(number, str(kind)[:40], "", "refused", _("Its type is none of: %(kinds)s.") % {"kinds": ", ".join(KINDS)})  # fmt: skip
    name = str(row.get(KINDS[kind][0], ""))
    try:
        with transaction.atomic():
            became, told = house.put(kind, name, {k: v for k, v in row.items() if k != "type"})
    except Refused as refused:
        return Line(number, kind, name, "refused", str(refused))
    return Line(number, kind, name, became, told)


class Refused(Exception):
    """The API's own sentence."""


class _House:
    """This house as the API shows it to one person, asked once for each kind."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._people: dict[int, str] = {}

    def rows(self, kind: str) -> list[dict[str, Any]]:
        if kind not in self._rows:
            self._rows[kind] = list(self._all(kind))
        return self._rows[kind]

    def _all(self, kind: str) -> Iterator[dict[str, Any]]:
        query = "limit=200"
        while query:
            answer = self.ask("GET", _place(kind), query=query)
            yield from answer["results"]
            query = (answer["next"] or "").partition("?")[2]

    def is_theirs(self, kind: str, row: Mapping[str, Any]) -> bool:
        """What is marked with queues is set by who has all of them; unmarked it is the administrators'. What is only mine,
        or has become another one here, is no other house's."""
        if row.get("mine") or row.get("merged_into"):
            return False
        marks = set(row.get("queues", ()))
        return kind not in _MARKED or self.user.is_administrator or bool(marks and marks <= set(self._names("queues")))

    def put(self, kind: str, name: str, row: dict[str, Any]) -> tuple[str, str]:
        """Make it or change it; what became of it, and the names of the fields that are others now."""
        row = _flat(row)
        known = self._known(kind, name, row)
        wanted = self._keyed(row)
        if known is None:
            # What acts by itself is looked at before it does.
            made = self.ask("POST", _place(kind), wanted | ({"is_active": False} if kind == "rules" else {}))
            self._rows[kind].append(made)
            return "created", ""
        stands = self.portable(kind, known)
        others = [key for key, value in row.items() if key not in _LEFT_OUT and stands.get(key, value) != value]
        if not others:
            return "same", ""
        self._rows[kind].remove(known)
        self._rows[kind].append(
            self.ask("PATCH", f"{_place(kind)}{known['id']}/", {key: wanted[key] for key in others})
        )
        return "changed", ", ".join(sorted(others))

    def _known(self, kind: str, name: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row of this name; where several have it (macros of different queues may), the one of the same queues."""
        found = [one for one in self.rows(kind) if str(one.get(KINDS[kind][0])) == name]
        same = [one for one in found if len(found) > 1 and self.portable(kind, one).get("queues") == row.get("queues")]
        return next(iter(same or found), None)

    def ask(self, method: str, path: str, body: Any = None, *, query: str = "") -> dict[str, Any]:
        """The answer of one address of the API to this person; Refused with its sentence."""
        sent = b"" if body is None else json.dumps(body).encode()
        request = WSGIRequest(_environ(method, path, query, sent))
        request.user = self.user
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined] # asked by our own code, not by a browser
        view, args, kwargs = resolve(path)
        answer: Response = view(request, *args, **kwargs)
        answer.render()
        told: dict[str, Any] = json.loads(answer.content) if answer.content else {}
        if answer.status_code >= 400:
            raise Refused(told.get("detail", str(answer.status_code)))
        return told

    # --- names for keys, and back

    def portable(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        # Where it came from, if it did.
        out = _LEFT_OUT if row.get("external_id") else _LEFT_OUT | {"source", "external_id"}
        told = {key: self._name(key, value) for key, value in _flat(row).items() if key not in out}
        return {"type": kind, **told}

    def _name(self, key: str, value: Any) -> Any:
        if key == "table":  # of a policy: its own words, whatever they are called
            return value
        if key in _NAMED and _is_key(value):
            return self._names(_NAMED[key]).get(value, value)
        if key in _NAMED and isinstance(value, list):
            return sorted((self._names(_NAMED[key]).get(one, one) for one in value), key=str) if all(map(_is_key, value)) else value  # fmt: skip
        return self._within(value, self._name)

    def _keyed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self._key(key, value) for key, value in row.items() if key not in _LEFT_OUT}

    def _key(self, key: str, value: Any) -> Any:
        if key == "table":
            return value
        if key in _NAMED and isinstance(value, str):
            return self._found(_NAMED[key], value)
        if key in _NAMED and isinstance(value, list):
            return [self._found(_NAMED[key], one) if isinstance(one, str) else one for one in value]
        return self._within(value, self._key)

    def _within(self, value: Any, change: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(_role(value, key, inner), inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._within(inner, change) if isinstance(inner, (dict, list)) else inner for inner in value]
        return value

    def _found(self, of: str, name: str) -> int:
        keys = [key for key, known in self._names(of).items() if known == name]
        if not keys:
            raise Refused(_("There is no “%(name)s” among your %(kind)s.") % {"name": name[:80], "kind": of})
        return keys[0]

    def _names(self, of: str) -> dict[int, str]:
        if of != "people":
            return {row["id"]: row[KINDS[of][0]] for row in self.rows(of)}
        if not self._people:
            people = User.objects.filter(is_active=True).exclude(username__in=_NOBODY_S)
            self._people = dict(people.values_list("pk", "username"))
        return self._people


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an offer says and asks for is told under `terms`, and taken beside its name."""
    terms = row.get("terms")
    return {**row, **terms} if isinstance(terms, dict) else dict(row)


def _role(holder: Mapping[str, Any], key: str, value: Any) -> str:
    """What a word holds: whom a macro's action gives the case to is a person, unless it is whoever runs it, or nobody."""
    return "person" if (holder.get("do"), key) == ("assign", "to") and value not in _NOBODY_S else key


def _place(kind: str) -> str:
    return f"/api/{_AT.get(kind, kind)}/"


def _is_key(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _environ(method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": "application/json",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
    }
