"""What people wrote to compare with, read by type: each fault is a sentence that says what to write (customers.comparisons)."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from customers.folding import clean

if TYPE_CHECKING:
    from customers.comparisons import Operator

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


def read_operator(operators: "Mapping[str, Operator]", name: object, told: str) -> "Operator":
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


def read_operand(kind: str, operator: "Operator", data: Mapping[str, Any], at: datetime) -> Any:
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


CAPITALS, LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_SMALL = str.maketrans(CAPITALS, LETTERS)


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
