"""The comparisons of the condition language, by type, each in Python and in SQL with one meaning.

Unknown (None, NULL) fulfils no comparison; only `known` asks about it. "Not" turns false and unknown alike into true.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    CharField,
    Count,
    DateField,
    DateTimeField,
    DecimalField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models import Field as DbField
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import (
    Contains,
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    StartsWith,
)

from customers.operands import CAPITALS, LETTERS, Money


@dataclass(frozen=True)
class Operator:
    """`holds(known, operand)` is never asked to raise: None known is false. `sql(expression, operand)` gives the
    condition, in which NULL may appear. `takes`: one value, a list, a pair of bounds, or a yes/no."""

    holds: Callable[[Any, Any], bool]
    sql: Callable[[Any, Any], Any]
    takes: str = "one"


class _IsNotTrue(Func):
    template = "(%(expressions)s) IS NOT TRUE"
    output_field = BooleanField()


class Compared(Protocol):
    """An expression that words its own comparison, `negated` or not."""

    def compared(self, operator: Operator, operand: Any, negated: bool) -> Q: ...


class Counted(Coalesce):
    """How many of `rows` point at a customer by the foreign key `customer`; 0 where none does."""

    def __init__(self, rows: QuerySet[Any], customer: str) -> None:
        self.rows, self.customer = rows, customer
        own = rows.filter(**{customer: OuterRef("pk")}).order_by().values(customer)
        super().__init__(Subquery(own.annotate(n=Count("pk")).values("n")), 0)

    def compared(self, operator: Operator, operand: Any, negated: bool) -> Q:
        return counted_sql(self.rows, self.customer, "pk", operator, operand, negated)


def counted_sql(rows: QuerySet[Any], customer: str, outer: str, operator: Operator, operand: Any, negated: bool) -> Q:
    """The rows are counted once for all customers, not once for each: who (`outer`) is among those with such a number,
    or, where none at all is such a number too, who is not among the others."""
    with_none = bool(operator.holds(0, operand))
    fits = Q(operator.sql(F("n"), operand))
    per_customer = rows.filter(**{f"{customer}__isnull": False}).order_by().values(customer)
    counted = per_customer.annotate(n=Count("pk")).filter(~fits if with_none else fits)
    among = Q(**{f"{outer}__in": counted.values(customer)})
    return ~among if with_none != negated else among


def leaf_sql(kind: str, operator: Operator, expression: Any, operand: Any, negated: bool) -> Q:
    """The comparison as SQL; its contrary is true for unknown as well, as in Python."""
    if hasattr(expression, "compared"):
        own: Compared = expression
        return own.compared(operator, operand, negated)
    condition = operator.sql(expression, operand)
    return Q(_IsNotTrue(condition)) if negated else Q(condition)


# --- the two forms


def folded_sql(expression: Any) -> Func:
    return Func(expression, Value(CAPITALS), Value(LETTERS), function="translate", output_field=TextField(null=True))


def _known(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda known, operand: known is not None and test(known, operand)


def _lookup(lookup: Any, field: "DbField[Any, Any]") -> Callable[[Any, Any], Any]:
    """The plain lookup class with an explicit type: a field's own lookups would round or refuse our operands."""
    return lambda expression, operand: lookup(expression, Value(operand, output_field=field))


def _among(field: "DbField[Any, Any]") -> Callable[[Any, Any], Any]:
    return lambda expression, operand: (
        In(expression, [Value(o, output_field=field) for o in operand])
        if operand
        else Value(False, output_field=BooleanField())
    )


def _between(field: "DbField[Any, Any]") -> Callable[[Any, Any], Any]:
    low, high = _lookup(GreaterThanOrEqual, field), _lookup(LessThanOrEqual, field)
    return lambda expression, operand: Q(low(expression, operand[0])) & Q(high(expression, operand[1]))


_KNOWN = Operator(
    lambda known, operand: (known is not None) is operand,
    lambda expression, operand: IsNull(expression, not operand),
    "yes/no",
)


def _ordered(field: "DbField[Any, Any]", words: tuple[str, str, str, str]) -> dict[str, Operator]:
    less, at_most, more, at_least = words
    return {
        "is": Operator(_known(lambda k, o: k == o), _lookup(Exact, field)),
        "in": Operator(_known(lambda k, o: k in o), _among(field), "list"),
        less: Operator(_known(lambda k, o: k < o), _lookup(LessThan, field)),
        at_most: Operator(_known(lambda k, o: k <= o), _lookup(LessThanOrEqual, field)),
        more: Operator(_known(lambda k, o: k > o), _lookup(GreaterThan, field)),
        at_least: Operator(_known(lambda k, o: k >= o), _lookup(GreaterThanOrEqual, field)),
        "between": Operator(_known(lambda k, o: o[0] <= k <= o[1]), _between(field), "pair"),
        "known": _KNOWN,
    }


_CHAR, _NUMBER = CharField(), DecimalField(max_digits=40, decimal_places=10)
_AMOUNTS = ("less_than", "at_most", "more_than", "at_least")
_MOMENTS = ("before", "until", "after", "since")


def _text() -> dict[str, Operator]:
    return {
        "is": Operator(_known(lambda k, o: k == o), _lookup(Exact, _CHAR)),
        "in": Operator(_known(lambda k, o: k in o), _among(_CHAR), "list"),
        "starts_with": Operator(_known(lambda k, o: k.startswith(o)), lambda e, o: StartsWith(e, o)),
        "contains": Operator(_known(lambda k, o: o in k), lambda e, o: Contains(e, o)),
        "known": _KNOWN,
    }


def _words() -> dict[str, Operator]:
    """Of what people wrote: the fact comes folded, in Python and in SQL alike."""
    plain = _text()
    some = Operator(_known(lambda k, o: any(word in k for word in o)), _contains_any, "list")
    return {"contains": plain["contains"], "contains_any": some, "starts_with": plain["starts_with"],
            "is": plain["is"], "known": plain["known"]}  # fmt: skip


def _contains_any(expression: Any, operand: list[str]) -> Any:
    found = Q(Value(False, output_field=BooleanField()))
    for word in operand:
        found |= Q(Contains(expression, word))
    return found


def _money() -> dict[str, Operator]:
    """Of the pair (amount, currency): the amounts compare when the currencies agree."""
    return {word: _in_one_currency(operator) for word, operator in _ordered(_NUMBER, _AMOUNTS).items()}


def _in_one_currency(plain: Operator) -> Operator:
    if plain.takes == "yes/no":
        return Operator(plain.holds, lambda e, o: plain.sql(e[0], o), plain.takes)
    if plain.takes == "list":
        return Operator(plain.holds, lambda e, o: _any_money(e, o), "list")
    if plain.takes == "pair":
        return Operator(
            _known(lambda k, o: k.currency == o[0].currency and plain.holds(k.amount, (o[0].amount, o[1].amount))),
            lambda e, o: _same_currency(e, o[0]) & Q(plain.sql(e[0], (o[0].amount, o[1].amount))),
            "pair",
        )
    return Operator(
        _known(lambda k, o: k.currency == o.currency and plain.holds(k.amount, o.amount)),
        lambda e, o: _same_currency(e, o) & Q(plain.sql(e[0], o.amount)),
    )


def _same_currency(expression: Any, money: Money) -> Q:
    return Q(Exact(expression[1], Value(money.currency, output_field=_CHAR)))


def _any_money(expression: Any, operand: list[Money]) -> Any:
    found = Q(Value(False, output_field=BooleanField()))
    for money in operand:
        found |= _same_currency(expression, money) & Q(Exact(expression[0], Value(money.amount, output_field=_NUMBER)))
    return found


_TEXTS = ArrayField(TextField())


def _set_lookup(operator: str) -> Callable[[Any, Any], Any]:
    def sql(expression: Any, operand: str | list[str]) -> Any:
        wanted = Value([operand] if isinstance(operand, str) else operand, output_field=_TEXTS)
        joiner = f" {operator} "
        return Func(
            Cast(expression, _TEXTS),
            Cast(wanted, _TEXTS),
            arg_joiner=joiner,
            template="(%(expressions)s)",
            output_field=BooleanField(),
        )

    return sql


def _is_empty(expression: Any, operand: bool) -> Any:
    size = Func(expression, function="cardinality", output_field=IntegerField())
    return Exact(size, 0) if operand else GreaterThan(size, 0)


def _set() -> dict[str, Operator]:
    return {
        "has": Operator(lambda k, o: o in k, _set_lookup("@>")),
        "has_any": Operator(lambda k, o: not k.isdisjoint(o), _set_lookup("&&"), "list"),
        "has_all": Operator(lambda k, o: k.issuperset(o), _set_lookup("@>"), "list"),
        "is_empty": Operator(lambda k, o: (not k) is o, _is_empty, "yes/no"),
    }


OPERATORS: dict[str, dict[str, Operator]] = {
    "text": _text(),
    "words": _words(),
    "number": _ordered(_NUMBER, _AMOUNTS),
    "money": _money(),
    "date": _ordered(DateField(), _MOMENTS),
    "time": _ordered(DateTimeField(), _MOMENTS),
    "boolean": {"is": Operator(_known(lambda k, o: k is o), _lookup(Exact, BooleanField())), "known": _KNOWN},
    "set": _set(),
}
# How many rows: a number that is never unknown.
COUNTS = {name: operator for name, operator in OPERATORS["number"].items() if name != "known"}
