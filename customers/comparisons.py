"""The comparisons of the condition language, by type, each in Python and in SQL with one meaning.

Unknown (None, NULL) fulfils no comparison; only `known` asks about it. "Not" turns false and unknown alike into true.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol

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
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from customers.folding import clean

_MAX_ITEMS, _MAX_TEXT, _MAX_DAYS = 1000, 500, 36525
_YEARS = range(1800, 2400)
# What a programmer would write, and the word there is for it.
_SIGNS = {"=": "is", "==": "is", "<": "less_than", "<=": "at_most", ">": "more_than", ">=": "at_least"}
_LARGEST = Decimal(10) ** 15


class BadValue(ValueError):
    """A value of the wrong shape; the message says what to write."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Money(NamedTuple):
    """An amount in a currency (ISO 4217). Amounts of different currencies never compare as true."""

    amount: Decimal
    currency: str


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


# --- reading what people wrote


def read_operator(operators: Mapping[str, Operator], name: object, told: str) -> Operator:
    """One of the operators by its name; `told` names what is compared. Raises BadValue."""
    if isinstance(name, str) and name in operators:
        return operators[name]
    word = _SIGNS.get(name) if isinstance(name, str) else None
    if word in operators:
        raise BadValue(_("Write “%(word)s” instead of “%(sign)s”.") % {"word": word, "sign": name})
    raise BadValue(_("Compare %(fact)s with one of: %(ops)s.") % {"fact": told, "ops": ", ".join(operators)})


def read_days(value: object) -> int:
    """How many days back a window reaches. Raises BadValue."""
    if type(value) is not int or not 1 <= value <= _MAX_DAYS:
        raise BadValue(_("Give a whole number of days from 1 to %(max)d.") % {"max": _MAX_DAYS})
    return value


def read_operand(kind: str, operator: Operator, data: Mapping[str, Any], at: datetime) -> Any:
    """The checked operand of a comparison; `data` holds it as "value". Raises BadValue."""
    value = data.get("value", True if operator.takes == "yes/no" else None)
    read = _READERS[kind]
    if operator.takes == "yes/no":
        return _read_boolean(value, at)
    if operator.takes == "list":
        return _read_list(read, value, at)
    if operator.takes == "pair":
        return _read_pair(read, value, at)
    return read(value, at)


def _read_list(read: Callable[[Any, datetime], Any], value: Any, at: datetime) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise BadValue(_("Give a list of at most %(max)d values.") % {"max": _MAX_ITEMS})
    return [read(item, at) for item in value]


def _read_pair(read: Callable[[Any, datetime], Any], value: Any, at: datetime) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadValue(_("Give two values: [from, to]."))
    low, high = (read(item, at) for item in value)
    if isinstance(low, Money) and low.currency != high.currency:
        raise BadValue(_("Give both amounts in one currency."))
    return low, high


def _read_text(value: Any, _at: datetime) -> str:
    if not isinstance(value, str) or not value or len(value) > _MAX_TEXT or clean(value) != value:
        raise BadValue(_("Give a text of 1 to %(max)d characters.") % {"max": _MAX_TEXT})
    return value


def folded(text: str) -> str:
    """Words as they compare: A to Z as a to z, everything else as it is; the database does just the same."""
    return text.translate(_SMALL)


_CAPITALS, _LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_SMALL = str.maketrans(_CAPITALS, _LETTERS)


def folded_sql(expression: Any) -> Func:
    return Func(expression, Value(_CAPITALS), Value(_LETTERS), function="translate", output_field=TextField(null=True))


def _read_words(value: Any, at: datetime) -> str:
    return folded(_read_text(value, at))


def _read_number(value: Any, _at: datetime) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadValue(_("Give a number."))
    try:
        number = Decimal(str(value)[:40])
    except InvalidOperation as error:
        raise BadValue(_("Give a number.")) from error
    if not number.is_finite() or abs(number) > _LARGEST or number != round(number, 6):
        raise BadValue(_("Give a number with at most 15 digits and 6 decimals."))
    return number


def _read_money(value: Any, at: datetime) -> Money:
    if not isinstance(value, dict) or value.keys() != {"amount", "currency"}:
        raise BadValue(_('Give an amount with its currency: {"amount": "42.90", "currency": "GBP"}.'))
    currency = value["currency"]
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise BadValue(_("Give the currency as three capital letters, like GBP."))
    return Money(_read_number(value["amount"], at), currency)


def _read_date(value: Any, at: datetime) -> date:
    """A day, or days from today; today is the UTC day of `at`."""
    if isinstance(value, dict):
        return (at + _offset(value, {"days_ago", "days_ahead"})).astimezone(UTC).date()
    found: date | None = _parsed(parse_date, value)
    if found is None or found.year not in _YEARS:
        raise BadValue(_('Give a day like "2026-03-31", or {"days_ago": 30}.'))
    return found


def _read_time(value: Any, at: datetime) -> datetime:
    if isinstance(value, dict):
        return at + _offset(value, {"days_ago", "days_ahead", "hours_ago", "hours_ahead"})
    found: datetime | None = _parsed(parse_datetime, value)
    if found is None or found.tzinfo is None or found.year not in _YEARS:
        raise BadValue(_('Give a time with its zone like "2026-03-31T12:00:00Z", or {"days_ago": 30}.'))
    return found


def _parsed(parse: Callable[[str], Any], value: Any) -> Any:
    try:
        return parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _offset(value: dict[str, Any], words: set[str]) -> timedelta:
    word, count = next(iter(value.items()), ("", None))
    if len(value) != 1 or word not in words or type(count) is not int or not 0 <= count <= _MAX_DAYS:
        raise BadValue(
            _("Give one of %(words)s with a whole number up to %(max)d.")
            % {"words": ", ".join(sorted(words)), "max": _MAX_DAYS}
        )
    span = timedelta(days=count) if word.startswith("days") else timedelta(hours=count)
    return -span if word.endswith("ago") else span


def _read_boolean(value: Any, _at: datetime) -> bool:
    if not isinstance(value, bool):
        raise BadValue(_("Give true or false."))
    return value


_READERS: dict[str, Callable[[Any, datetime], Any]] = {
    "text": _read_text,
    "words": _read_words,
    "number": _read_number,
    "money": _read_money,
    "date": _read_date,
    "time": _read_time,
    "boolean": _read_boolean,
    "set": _read_text,
}

# --- the two forms


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
