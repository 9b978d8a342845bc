"""The one condition language: a condition is data, and means the same to Python and to PostgreSQL.

`compile(data, at=now)` checks the data and gives a Condition: `holds(known)` for one customer whose facts are loaded,
`q` and `customers()` for the database. The grammar and what unknown means: docs/conditions.md.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Value
from django.db.models.fields import BooleanField
from django.utils.translation import gettext as _

from customers.comparisons import OPERATORS, BadValue, Money, leaf_sql, read_operand
from customers.models import Customer

__all__ = ["BadCondition", "Collection", "Condition", "Fact", "Field", "Money", "compile"]

_MAX_DEPTH, _MAX_PARTS = 12, 300
Known = Mapping[str, Any]
Test = Callable[[Known], bool]


class BadCondition(ValueError):
    """A condition nobody can evaluate: `path` says where, `message` what to write instead."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'condition'}: {message}")
        self.path = path
        self.message = message


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
    """Rows a customer has many of (subscriptions, orders): `exists` asks for one that fulfils a condition of its own.

    `rows(customer)` reads what `needs` prefetched; `model` and `customer` (the name of its foreign key) say the same
    to the database. `outer` names the customer's key where the condition is asked of rows that belong to one."""

    name: str
    label: Any
    model: type[Model]
    fields: tuple[Field, ...]
    rows: Callable[[Any], Iterable[Any]]
    customer: str = "customer"
    needs: tuple[Any, ...] = ()
    outer: str = "pk"


@dataclass(frozen=True)
class Condition:
    """A checked condition as of one moment."""

    holds: Test
    sql: Callable[[], Q]
    names: frozenset[str]  # the facts and collections it reads

    @cached_property
    def q(self) -> Q:
        """Put together when it is first asked for: whoever only asks about one customer pays nothing for it."""
        return self.sql()

    def customers(self, among: "QuerySet[Customer] | None" = None) -> "QuerySet[Customer]":
        """Those it holds for, of `among` (default: all current customers)."""
        return (Customer.objects.current() if among is None else among).filter(self.q)


def compile(data: object, *, at: datetime, among: Iterable[Fact | Collection] | None = None) -> Condition:
    """Check a condition and compile it both ways. Relative dates are taken from `at`. Raises BadCondition."""
    from customers.facts import registry

    known = registry() if among is None else {fact.name: fact for fact in among}
    reader = _Reader(known, at)
    node = reader.read(data, "", 0)
    return Condition(node.test, lambda: node.sql(False), frozenset(reader.names))


# --- a checked node: a Python test, and SQL for it or for its contrary


@dataclass(frozen=True)
class _Node:
    """`sql(negated)` pushes "not" down to the leaves, where unknown is settled: NULL never reaches an outer operator,
    and what stands unnegated stays a plain comparison an index can serve."""

    test: Test
    sql: Callable[[bool], Q]


def _true(value: bool) -> Q:
    return Q(Value(value, output_field=BooleanField()))


def _all(nodes: Sequence[_Node]) -> _Node:
    tests = tuple(n.test for n in nodes)
    return _Node(lambda known: all(t(known) for t in tests), lambda negated: _joined(nodes, negated, both=not negated))


def _any(nodes: Sequence[_Node]) -> _Node:
    tests = tuple(n.test for n in nodes)
    return _Node(lambda known: any(t(known) for t in tests), lambda negated: _joined(nodes, negated, both=negated))


def _joined(nodes: Sequence[_Node], negated: bool, *, both: bool) -> Q:
    if not nodes:
        return _true(both)
    return Q(*(n.sql(negated) for n in nodes), _connector=Q.AND if both else Q.OR)


def _not(node: _Node) -> _Node:
    return _Node(lambda known: not node.test(known), lambda negated: node.sql(not negated))


class _Reader:
    """Walks the data once, keeping the path for its complaints."""

    def __init__(self, known: Mapping[str, Fact | Collection], at: datetime) -> None:
        self.known, self.at = known, at
        self.fields: Mapping[str, Field] | None = None  # inside an exists: the fields of its rows
        self.names: set[str] = set()
        self.parts = 0

    def read(self, data: object, path: str, depth: int) -> _Node:
        if not isinstance(data, dict):
            raise BadCondition(path, _("A condition is an object with all, any, not, exists or fact."))
        self._count(path, depth)
        for word, read in (("all", self._many), ("any", self._many), ("not", self._negation)):
            if word in data:
                self._only(data, {word}, path)
                return read(data[word], word, _sub(path, word), depth)
        return self._exists(data, path, depth) if "exists" in data else self._leaf(data, path)

    def _count(self, path: str, depth: int) -> None:
        self.parts += 1
        if depth > _MAX_DEPTH:
            raise BadCondition(path, _("Conditions nest at most %(max)d deep.") % {"max": _MAX_DEPTH})
        if self.parts > _MAX_PARTS:
            raise BadCondition(path, _("A condition has at most %(max)d parts.") % {"max": _MAX_PARTS})

    def _only(self, data: dict[Any, Any], words: set[str], path: str) -> None:
        if unknown := sorted(str(k) for k in data.keys() - words):
            raise BadCondition(path, _("Take out “%(word)s”: it does not belong here.") % {"word": unknown[0][:60]})

    def _many(self, data: object, word: str, path: str, depth: int) -> _Node:
        if not isinstance(data, list):
            raise BadCondition(path, _("Give a list of conditions."))
        nodes = [self.read(part, f"{path}[{i}]", depth + 1) for i, part in enumerate(data)]
        return _all(nodes) if word == "all" else _any(nodes)

    def _negation(self, data: object, _word: str, path: str, depth: int) -> _Node:
        return _not(self.read(data, path, depth + 1))

    def _exists(self, data: dict[str, Any], path: str, depth: int) -> _Node:
        self._only(data, {"exists", "where"}, path)
        name = data["exists"]
        collection = self.known.get(name) if isinstance(name, str) else None
        if not isinstance(collection, Collection) or self.fields is not None:
            raise BadCondition(_sub(path, "exists"), self._choose("exists", name, Collection))
        self.names.add(collection.name)
        self.fields = {f.name: f for f in collection.fields}
        try:
            where = self.read(data.get("where", {"all": []}), _sub(path, "where"), depth + 1)
        finally:
            self.fields = None
        return _exists_node(collection, where)

    def _leaf(self, data: dict[str, Any], path: str) -> _Node:
        fact = self._fact(data, path)
        self._only(data, {"fact", "op", "value"}, path)
        operators = OPERATORS[fact.type]
        operator = operators.get(data.get("op")) if isinstance(data.get("op"), str) else None  # type: ignore[arg-type]
        if operator is None:
            raise BadCondition(
                _sub(path, "op"),
                _("Compare %(fact)s with one of: %(ops)s.") % {"fact": fact.name, "ops": ", ".join(operators)},
            )
        try:
            operand = read_operand(fact.type, operator, data, self.at)
        except BadValue as bad:
            raise BadCondition(_sub(path, "value"), bad.message) from bad
        name, holds = fact.name, operator.holds
        at = self.at
        return _Node(
            lambda known: holds(known[name], operand),
            lambda negated: leaf_sql(fact.type, operator, fact.sql(at), operand, negated),
        )

    def _fact(self, data: dict[str, Any], path: str) -> Fact | Field:
        name = data.get("fact")
        if not isinstance(name, str):
            raise BadCondition(path, _('Say which fact is meant: {"fact": …, "op": …, "value": …}.'))
        if self.fields is not None:
            fact: object = self.fields.get(name)
        else:
            fact = self.known.get(name)
            self.names.add(name)
        if not isinstance(fact, Fact | Field):
            raise BadCondition(_sub(path, "fact"), self._choose("fact", name, Fact))
        return fact

    def _choose(self, word: str, name: object, kind: type) -> str:
        if self.fields is not None:
            names = ", ".join(sorted(self.fields)) if word == "fact" else "-"
        else:
            names = ", ".join(sorted(n for n, f in self.known.items() if isinstance(f, kind)))
        return _("There is no “%(name)s” here. Choose one of: %(names)s.") % {"name": str(name)[:60], "names": names}


_WORDS = ("exists", "where", "all", "any", "not", "fact", "op", "value")


def as_said(part: Any) -> Any:
    """The keys in the order one says them, to be read by people: the database gives them back by their length."""
    if isinstance(part, list):
        return [as_said(each) for each in part]
    if not isinstance(part, dict):
        return part
    known = sorted(part, key=lambda key: _WORDS.index(key) if key in _WORDS else -1)
    return {key: as_said(part[key]) for key in known}


def _sub(path: str, word: str) -> str:
    return f"{path}.{word}" if path else word


def _exists_node(collection: Collection, where: _Node) -> _Node:
    name, test = collection.name, where.test

    def sql(negated: bool) -> Q:
        rows = collection.model._default_manager.filter(**{collection.customer: OuterRef(collection.outer)}).filter(
            where.sql(False)
        )
        return Q(~Exists(rows)) if negated else Q(Exists(rows))

    return _Node(lambda known: any(test(row) for row in known[name]), sql)
