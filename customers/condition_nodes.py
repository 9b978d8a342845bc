"""The checked parts of a condition: each a test for Python, and SQL for it or for its contrary (customers.conditions)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.fields import BooleanField

from customers.comparisons import OPERATORS, Operator, counted_sql, leaf_sql

if TYPE_CHECKING:
    from customers.conditions import Collection, Fact, Field

Known = Mapping[str, Any]
Test = Callable[[Known], bool]


@dataclass(frozen=True)
class Node:
    """`sql(negated)` pushes "not" down to the leaves, where unknown is settled: NULL never reaches an outer operator,
    and what stands unnegated stays a plain comparison an index can serve."""

    test: Test
    sql: Callable[[bool], Q]


def leaf(fact: "Fact | Field", operator: Operator, operand: Any, at: datetime) -> Node:
    name, holds = fact.name, operator.holds
    return Node(
        lambda known: holds(known[name], operand),
        lambda negated: leaf_sql(fact.type, operator, fact.sql(at), operand, negated),
    )


def constant(value: bool) -> Node:
    """Of what is asked of nobody: it is so, or not, for everybody."""
    return Node(lambda known: value, lambda negated: Q(Value(value is not negated, output_field=BooleanField())))


def all_of(nodes: Sequence[Node]) -> Node:
    tests = tuple(n.test for n in nodes)
    return Node(lambda known: all(t(known) for t in tests), lambda negated: _joined(nodes, negated, both=not negated))


def any_of(nodes: Sequence[Node]) -> Node:
    tests = tuple(n.test for n in nodes)
    return Node(lambda known: any(t(known) for t in tests), lambda negated: _joined(nodes, negated, both=negated))


def _joined(nodes: Sequence[Node], negated: bool, *, both: bool) -> Q:
    if not nodes:
        return Q(Value(both, output_field=BooleanField()))
    return Q(*(n.sql(negated) for n in nodes), _connector=Q.AND if both else Q.OR)


def negation(node: Node) -> Node:
    return Node(lambda known: not node.test(known), lambda negated: node.sql(not negated))


# --- rows


def within(collection: "Collection", days: int, at: datetime) -> Node:
    """Of one row: it happened in the last so many days, as of `at`. What has no time happened in none of them, and what
    lies ahead has not happened. For days the bounds are days: today is the UTC day of `at`."""
    field = next(f for f in collection.fields if f.name == collection.moment)
    low, high = at - timedelta(days=days), at
    bounds = (low.astimezone(UTC).date(), high.astimezone(UTC).date()) if field.type == "date" else (low, high)
    return leaf(field, OPERATORS[field.type]["between"], bounds, at)


def exists(collection: "Collection", where: Node) -> Node:
    """One row at least fulfils `where`."""
    name, test = collection.name, where.test

    def sql(negated: bool) -> Q:
        rows = collection.kept().filter(**{collection.customer: OuterRef(collection.outer)}).filter(where.sql(False))
        return Q(~Exists(rows)) if negated else Q(Exists(rows))

    return Node(lambda known: any(test(row) for row in known[name]), sql)


def count(collection: "Collection", where: Node, operator: Operator, operand: Any) -> Node:
    """How many rows fulfil `where`: never unknown, 0 where there is none."""
    name, test, holds = collection.name, where.test, operator.holds

    def sql(negated: bool) -> Q:
        rows: QuerySet[Any] = collection.kept().filter(where.sql(False))
        return counted_sql(rows, collection.customer, collection.outer, operator, operand, negated)

    return Node(lambda known: holds(sum(1 for row in known[name] if test(row)), operand), sql)
