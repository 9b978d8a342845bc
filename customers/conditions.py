"""The one condition language: a condition is data, and means the same to Python and to PostgreSQL.

`compile(data, at=now)` checks the data and gives a Condition: `holds(known)` for one customer whose facts are loaded,
`q` and `customers()` for the database. The grammar and what unknown means: docs/conditions.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from customers import condition_nodes as nodes
from customers import resting
from customers.comparisons import COUNTS, OPERATORS
from customers.condition_nodes import Node, Test
from customers.models import Customer
from customers.operands import BadValue, Money, read_days, read_operand, read_operator

__all__ = ["BadCondition", "Collection", "Condition", "Fact", "Field", "Money", "Theirs", "compile", "names_in"]

_MAX_DEPTH, _MAX_PARTS = 12, 300
Segments = Mapping[str, Any]  # what each means now, by its key


class BadCondition(ValueError):
    """A condition nobody can evaluate: `path` says where, `message` what to write instead."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'condition'}: {message}")
        self.path, self.message = path, message


def _both_forms(name: str, kind: str, value: object, sql: object) -> None:
    if kind not in OPERATORS:
        raise TypeError(f"fact {name!r}: type {kind!r} is none of {', '.join(OPERATORS)}")
    if not callable(value) or not callable(sql):
        raise TypeError(f"fact {name!r} needs both forms: value(customer, at) for Python and sql(at) for the database")


@dataclass(frozen=True)
class Fact:
    """Something known about a customer, in both forms.

    `value(customer, at)` reads the customer and what `needs` (relations to prefetch) brought; None is unknown.
    `sql(at)` is the expression over Customer with the same value, NULL where Python says None; of a money fact a pair
    (amount, currency), of a set fact an array that is never NULL.
    """

    name: str
    type: str
    label: Any
    value: Callable[[Any, datetime], Any]
    sql: Callable[[datetime], Any]
    needs: tuple[Any, ...] = ()
    rests: str = ""  # the plugin it is of, while that does not answer (customers.resting): the value is unknown
    of: str = ""  # the contribution of a plugin that told of it

    def __post_init__(self) -> None:
        _both_forms(self.name, self.type, self.value, self.sql)


@dataclass(frozen=True)
class Field:
    """One field of the rows of a Collection, in both forms: `value(row, at)` and `sql(at)` over the row's table."""

    name: str
    type: str
    label: Any
    value: Callable[[Any, datetime], Any]
    sql: Callable[[datetime], Any]

    def __post_init__(self) -> None:
        _both_forms(self.name, self.type, self.value, self.sql)


@dataclass(frozen=True)
class Collection:
    """Rows a customer has many of (subscriptions, orders): `exists` asks for one that fulfils a condition of its own,
    `count` how many do.

    `rows(customer)` reads what `needs` prefetched; `model` and `customer` (the name of its foreign key) say the same
    to the database, of the rows of `base` where not all belong to it. `moment` names the field that says when a row
    happened: without one nobody can ask about the last days. `outer` names the customer's key where the condition is
    asked of rows that belong to one."""

    name: str
    label: Any
    model: type[Model]
    fields: tuple[Field, ...]
    rows: Callable[[Any], Iterable[Any]]
    customer: str = "customer"
    needs: tuple[Any, ...] = ()
    outer: str = "pk"
    moment: str = ""
    one: Any = ""  # what a single row is called, for sentences that count
    base: Callable[[], QuerySet[Any]] | None = None
    rests: str = ""  # these two as of a fact
    of: str = ""

    def __post_init__(self) -> None:
        if self.moment and {f.name: f.type for f in self.fields}.get(self.moment) not in {"date", "time"}:
            raise TypeError(f"collection {self.name!r}: its moment {self.moment!r} is no date or time among its fields")

    def kept(self) -> QuerySet[Any]:
        """Its rows, of everybody."""
        return self.base() if self.base else self.model._default_manager.all()


@dataclass(frozen=True)
class Theirs:
    """How conditions of things that belong to a customer (cases) name what is the customer's: by this prefix; and the
    condition that asks whether there is a customer at all. A segment is asked of the customer."""

    prefix: str
    known: Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """A checked condition as of one moment. Where it names facts of a plugin that does not answer (`resting`), it holds where
    it would whatever these are; `perhaps` holds also where that depends on them."""

    holds: Test
    sql: Callable[[], Q]
    names: frozenset[str]  # the facts and collections it reads
    resting: frozenset[str] = frozenset()
    perhaps: "Condition | None" = None

    @cached_property
    def q(self) -> Q:
        """Put together when it is first asked for: whoever only asks about one customer pays nothing for it."""
        return self.sql()

    def customers(self, among: "QuerySet[Customer] | None" = None) -> "QuerySet[Customer]":
        """Those it holds for, of `among` (default: all current customers)."""
        return (Customer.objects.current() if among is None else among).filter(self.q)

    def is_unknown(self, known: Mapping[str, Any]) -> bool:
        """Whether it depends on what nobody can tell just now."""
        return self.perhaps is not None and not self.holds(known) and self.perhaps.holds(known)


def compile(
    data: object,
    *,
    at: datetime,
    among: Iterable[Fact | Collection] | None = None,
    segments: Segments | None = None,
    theirs: Theirs | None = None,
    named: str = "",
    saving: bool = False,
) -> Condition:
    """Check a condition and compile it both ways. Relative dates are taken from `at`. Raises BadCondition.

    `segments`: what each means (read, once, where the condition names one and this is not given). `named`: the key of
    the segment whose condition it is, which it may not name itself, not by way of others either. `saving`: no name
    may be of a plugin that has not answered yet."""
    from customers.facts import registry

    known = registry() if among is None else {fact.name: fact for fact in among}

    def read(*, perhaps: bool) -> _Reader:
        reader = _Reader(known, at, segments, theirs, named, saving=saving, perhaps=perhaps)
        reader.node = reader.read(data, "", 0)
        return reader

    surely = read(perhaps=False)
    return surely.condition(read(perhaps=True).condition() if surely.resting else None)


def names_in(data: Any, segments: Segments) -> Iterator[str]:
    """The facts and collections a checked condition reads, without compiling it."""
    if "segment" in data:
        yield from names_in(segments.get(data["segment"], {}), segments)
    if word := next((word for word in ("exists", "count", "fact") if word in data), ""):
        yield data[word]
    for part in [*data.get("all", ()), *data.get("any", ()), *([data["not"]] if "not" in data else [])]:
        yield from names_in(part, segments)


def segments_in(data: Any) -> set[str]:
    """The keys of the segments a condition names itself."""
    if isinstance(data, list):
        return {key for part in data for key in segments_in(part)}
    if not isinstance(data, dict):
        return set()
    own = {data["segment"]} if isinstance(data.get("segment"), str) else set()
    return own | {key for word in ("all", "any", "not") for key in segments_in(data.get(word))}


class _Reader:
    """Walks the data once, keeping the path for its complaints."""

    def __init__(
        self,
        known: Mapping[str, Fact | Collection],
        at: datetime,
        segments: Segments | None,
        theirs: Theirs | None,
        named: str,
        *,
        saving: bool,
        perhaps: bool,
    ) -> None:
        self.saving, self.unknown = saving, perhaps  # what unknown counts as here; a `not` turns it round
        self.node = nodes.constant(perhaps)
        self.resting: set[str] = set()
        self.known, self.at, self.segments, self.theirs = known, at, segments, theirs
        self.within = [named] if named else []  # the segments being read
        self.prefix = ""  # inside a segment, where facts of customers go by a longer name
        self.fields: Mapping[str, Field] | None = None  # inside rows: their fields
        self.names: set[str] = set()
        self.parts = 0
        self.reads = {"all": self._many, "any": self._many, "not": self._negation}

    def condition(self, perhaps: Condition | None = None) -> Condition:
        node, rests = self.node, frozenset(self.resting)
        return Condition(node.test, lambda: node.sql(False), frozenset(self.names), rests, perhaps)

    def read(self, data: object, path: str, depth: int) -> Node:
        if not isinstance(data, dict):
            raise BadCondition(path, _("A condition is an object with all, any, not, exists, count, segment or fact."))
        self._count(path, depth)
        for word, read in self.reads.items():
            if word in data:
                self._only(data, {word}, path)
                return read(data[word], word, _sub(path, word), depth)
        for word, rows in (("exists", self._exists), ("count", self._counted), ("segment", self._segment)):
            if word in data:
                return rows(data, path, depth)
        return self._leaf(data, path)

    def _count(self, path: str, depth: int) -> None:
        self.parts += 1
        if depth > _MAX_DEPTH:
            raise BadCondition(path, _("Conditions nest at most %(max)d deep.") % {"max": _MAX_DEPTH})
        if self.parts > _MAX_PARTS:
            raise BadCondition(path, _("A condition has at most %(max)d parts.") % {"max": _MAX_PARTS})

    def _only(self, data: dict[Any, Any], words: set[str], path: str) -> None:
        if unknown := sorted(str(k) for k in data.keys() - words):
            raise BadCondition(path, _("Take out “%(word)s”: it does not belong here.") % {"word": unknown[0][:60]})

    def _many(self, data: object, word: str, path: str, depth: int) -> Node:
        if not isinstance(data, list):
            raise BadCondition(path, _("Give a list of conditions."))
        parts = [self.read(part, f"{path}[{i}]", depth + 1) for i, part in enumerate(data)]
        return nodes.all_of(parts) if word == "all" else nodes.any_of(parts)

    def _negation(self, data: object, _word: str, path: str, depth: int) -> Node:
        self.unknown = not self.unknown
        try:
            return nodes.negation(self.read(data, path, depth + 1))
        finally:
            self.unknown = not self.unknown

    def _rests(self, name: str) -> Node:
        """What nobody can tell just now."""
        self.names.discard(name)
        self.resting.add(name)
        return nodes.constant(self.unknown)

    def _is_unheard(self, word: str, data: dict[str, Any]) -> bool:
        """Whether it may be of a plugin that has not said yet what it adds."""
        if self.saving or self.fields is not None or not isinstance(data.get(word), str):
            return False
        return f"{self.prefix}{data[word]}" not in self.known and bool(resting.silent())

    # --- rows

    def _exists(self, data: dict[str, Any], path: str, depth: int) -> Node:
        self._only(data, {"exists", "where", "within_days"}, path)
        if self._is_unheard("exists", data):
            return self._rests(f"{self.prefix}{data['exists']}")
        collection, where = self._rows(data, "exists", path, depth)
        return self._rests(collection.name) if collection.rests else nodes.exists(collection, where)

    def _counted(self, data: dict[str, Any], path: str, depth: int) -> Node:
        self._only(data, {"count", "where", "within_days", "op", "value"}, path)
        if self._is_unheard("count", data):
            return self._rests(f"{self.prefix}{data['count']}")
        collection, where = self._rows(data, "count", path, depth)
        try:
            operator = read_operator(COUNTS, data.get("op"), _("a number of rows"))
        except BadValue as bad:
            raise BadCondition(_sub(path, "op"), bad.message) from bad
        operand = self._operand("number", operator, data, path)
        return self._rests(collection.name) if collection.rests else nodes.count(collection, where, operator, operand)

    def _rows(self, data: dict[str, Any], word: str, path: str, depth: int) -> tuple[Collection, Node]:
        """Which rows, and what must hold of one to be meant."""
        name = f"{self.prefix}{data[word]}" if isinstance(data[word], str) else None
        collection = self.known.get(name) if name is not None else None
        if not isinstance(collection, Collection) or self.fields is not None:
            raise BadCondition(_sub(path, word), self._choose("rows", data[word], Collection))
        self.names.add(collection.name)
        self.fields = {f.name: f for f in collection.fields}
        try:
            where = self.read(data.get("where", {"all": []}), _sub(path, "where"), depth + 1)
        finally:
            self.fields = None
        return collection, self._lately(collection, where, data, path)

    def _lately(self, collection: Collection, where: Node, data: dict[str, Any], path: str) -> Node:
        if "within_days" not in data:
            return where
        if not collection.moment:
            told = _("Take out “within_days”: nothing says when one of “%(rows)s” happened.")
            raise BadCondition(_sub(path, "within_days"), told % {"rows": collection.name})
        try:
            days = read_days(data["within_days"])
        except BadValue as bad:
            raise BadCondition(_sub(path, "within_days"), bad.message) from bad
        return nodes.all_of([nodes.within(collection, days, self.at), where])

    # --- segments

    def _segment(self, data: dict[str, Any], path: str, depth: int) -> Node:
        """What the segment means now, read in its place."""
        self._only(data, {"segment"}, path)
        key, place = data["segment"], _sub(path, "segment")
        if self.fields is not None:
            raise BadCondition(place, _("A segment is of customers: take it out of “where”, which asks about one row."))
        meant = self._meant()
        if not isinstance(key, str) or key not in meant:
            raise BadCondition(place, _nothing_named(key, ", ".join(sorted(meant)) or "-"))
        if key in self.within:
            told = _("A segment cannot be part of itself: “%(segment)s” names this one, or one that does.")
            raise BadCondition(place, told % {"segment": key})
        self.within.append(key)
        prefix, self.prefix = self.prefix, self.theirs.prefix if self.theirs else ""
        try:
            inside = self.read(meant[key], place, depth + 1)
        finally:
            self.prefix = prefix
            self.within.pop()
        if self.theirs is None or prefix:
            return inside
        return nodes.all_of([self.read(self.theirs.known, place, depth + 1), inside])

    def _meant(self) -> Segments:
        if self.segments is None:
            from customers.segments import meanings

            self.segments = meanings()
        return self.segments

    # --- comparisons

    def _leaf(self, data: dict[str, Any], path: str) -> Node:
        if self._is_unheard("fact", data):
            return self._rests(f"{self.prefix}{data['fact']}")
        fact = self._fact(data, path)
        self._only(data, {"fact", "op", "value"}, path)
        try:
            operator = read_operator(OPERATORS[fact.type], data.get("op"), fact.name)
        except BadValue as bad:
            raise BadCondition(_sub(path, "op"), bad.message) from bad
        operand = self._operand(fact.type, operator, data, path)
        if isinstance(fact, Fact) and fact.rests:
            return self._rests(fact.name)
        return nodes.leaf(fact, operator, operand, self.at)

    def _operand(self, kind: str, operator: Any, data: dict[str, Any], path: str) -> Any:
        try:
            return read_operand(kind, operator, data, self.at)
        except BadValue as bad:
            raise BadCondition(_sub(path, "value"), bad.message) from bad

    def _fact(self, data: dict[str, Any], path: str) -> Fact | Field:
        name = data.get("fact")
        if not isinstance(name, str):
            raise BadCondition(path, _('Say which fact is meant: {"fact": …, "op": …, "value": …}.'))
        if self.fields is not None:
            fact: object = self.fields.get(name)
        else:
            fact = self.known.get(f"{self.prefix}{name}")
            self.names.add(f"{self.prefix}{name}")
        if not isinstance(fact, Fact | Field):
            raise BadCondition(_sub(path, "fact"), self._choose("fact", name, Fact))
        return fact

    def _choose(self, word: str, name: object, kind: type) -> str:
        if self.fields is not None:
            names = ", ".join(sorted(self.fields)) if word == "fact" else "-"
        else:
            names = ", ".join(sorted(n for n, f in self.known.items() if isinstance(f, kind)))
        return resting.unheard(name) if self.fields is None and resting.silent() else _nothing_named(name, names)


def _nothing_named(name: object, names: str) -> str:
    return _("There is no “%(name)s” here. Choose one of: %(names)s.") % {"name": str(name)[:60], "names": names}


def _sub(path: str, word: str) -> str:
    return f"{path}.{word}" if path else word
