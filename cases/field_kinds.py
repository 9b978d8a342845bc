"""What each kind of field takes, shows and is found by. No field is changed here: `cases.fields` does that."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db.models import Q
from django.db.models.functions import Left, Upper
from django.db.models.lookups import StartsWith
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from cases.models import CaseField, FieldValue
from cases.models.case import Refusal
from cases.models.field import MOST_FOUND_BY
from customers.folding import clean
from customers.models import Subscription

if TYPE_CHECKING:
    from cases.fields import Filled

Kind = CaseField.Kind
MOST_TEXT, MOST_LONG = 300, 20_000
_LARGEST = Decimal(10) ** 14
_YES = {"yes", "true", "1", "on", "ja", "sí", "si"}
_NO = {"no", "false", "0", "off", "nein"}


class BadValue(Refusal):
    """What was given does not fit its field; the sentence says what would."""

    def __init__(self, field: str, message: str, name: str = "") -> None:
        super().__init__(f"{name}: {message}" if name else message)
        self.field, self.why = field, message


# --- in


def read(filled: "Filled", raw: Any, subscriptions: Sequence[Subscription]) -> list[FieldValue]:
    """The rows that hold `raw`: none where it says nothing."""
    if raw in (None, "", []) or (isinstance(raw, str) and not raw.strip()):
        return []
    field = filled.field
    try:
        if field.offers:
            return _chosen(filled, raw)
        if field.kind == Kind.SUBSCRIPTION:
            return [FieldValue(subscription=_one_of(subscriptions, raw))]
        return [_READS[Kind(field.kind)](raw)]
    except _Wrong as wrong:
        raise BadValue(field.key, str(wrong), field.name) from wrong


class _Wrong(Exception):
    """It is not of this kind."""


def _text(raw: Any, most: int = MOST_TEXT) -> FieldValue:
    if not isinstance(raw, str | int | float) or isinstance(raw, bool):
        raise _Wrong(_("Give a text."))
    text = clean(str(raw)).replace("\r\n", "\n").strip()
    if len(text) > most:
        raise _Wrong(_("At most %(most)d characters.") % {"most": most})
    return FieldValue(text=text)


def _long(raw: Any) -> FieldValue:
    return _text(raw, MOST_LONG)


def _number(raw: Any) -> FieldValue:
    return FieldValue(number=_decimal(raw))


def _decimal(raw: Any) -> Decimal:
    """With a point or a comma before its fraction."""
    if isinstance(raw, bool):
        raise _Wrong(_("Give a number, like 12.5."))
    text = "".join(str(raw).split())
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _Wrong(_("Give a number, like 12.5.")) from None
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise _Wrong(_("Give a number, like 12.5."))
    return number.quantize(Decimal("0.000001"))


def _date(raw: Any) -> FieldValue:
    return FieldValue(date=_day(str(raw)))


def _day(text: str) -> date:
    today = timezone.localdate()
    named = {"today": today, "yesterday": today - timedelta(days=1), "tomorrow": today + timedelta(days=1)}
    try:
        found = named.get(text.strip().casefold()) or parse_date(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise _Wrong(_("Give a date, like 2026-03-31."))
    return found


def _yes_no(raw: Any) -> FieldValue:
    return FieldValue(flag=_said(raw))


def _said(raw: Any) -> bool:
    word = str(raw).strip().casefold()
    if word not in _YES | _NO:
        raise _Wrong(_("Say yes or no."))
    return word in _YES


def _link(raw: Any) -> FieldValue:
    value = _text(raw, 2000)
    try:
        address = urlsplit(value.text)
    except ValueError:
        address = urlsplit("")
    if address.scheme not in {"http", "https"} or not address.hostname or any(c.isspace() for c in value.text):
        raise _Wrong(_("Give a whole address that begins with https://."))
    return value


_READS: dict[CaseField.Kind, Callable[[Any], FieldValue]] = {
    Kind.TEXT: _text,
    Kind.LONG: _long,
    Kind.NUMBER: _number,
    Kind.MONEY: _number,
    Kind.DATE: _date,
    Kind.YES_NO: _yes_no,
    Kind.LINK: _link,
}


def _chosen(filled: "Filled", raw: Any) -> list[FieldValue]:
    """Options by key, name or number; several are a list, or a text with commas."""
    wanted = [each for each in (raw if isinstance(raw, list) else _split(filled.field, raw)) if each not in (None, "")]
    known = {name: option for option in filled.options for name in (str(option.pk), option.name.casefold(), option.key)}
    options = {known[name] for name in (str(each).strip().casefold() for each in wanted) if name in known}
    if len(options) < len({str(each).strip().casefold() for each in wanted}):
        offered = ", ".join(option.name for option in filled.options)
        raise _Wrong(_("Choose of: %(options)s.") % {"options": offered})
    if len(options) > 1 and filled.field.kind == Kind.ONE_OF:
        raise _Wrong(_("Choose one."))
    return [FieldValue(option=option) for option in sorted(options, key=lambda option: option.pk)]


def _split(field: CaseField, raw: Any) -> list[str]:
    return str(raw).split(",") if field.kind == Kind.SEVERAL_OF else [str(raw)]


def _one_of(subscriptions: Sequence[Subscription], raw: Any) -> Subscription:
    found = next((each for each in subscriptions if str(each.pk) == str(raw).strip()), None)
    if found is None:
        raise _Wrong(_("Choose one of the customer’s subscriptions."))
    return found


# --- out


def words(field: CaseField, value: FieldValue) -> str:
    """As a person reads it."""
    if value.option:
        return value.option.name
    if value.subscription:
        return name_of(value.subscription)
    if value.number is not None:
        digits = _cents(value.number) if field.kind == Kind.MONEY else _plain(value.number)
        return f"{number_format(digits, force_grouping=True)} {field.unit}".strip()
    if value.date is not None:
        return date_format(value.date, "DATE_FORMAT")
    if value.flag is not None:
        return _("yes") if value.flag else _("no")
    return value.text


def name_of(subscription: Subscription) -> str:
    """The product and what tells this subscription from another of it."""
    told = [subscription.product.name, subscription.plan, subscription.device]
    return " · ".join(dict.fromkeys(part for part in told if part))


def data(field: CaseField, values: Sequence[FieldValue]) -> Any:
    """As the API shows it."""
    if field.kind == Kind.SEVERAL_OF:
        return [value.option.key for value in values if value.option]
    if not values:
        return None
    value = values[0]
    if value.option:
        return value.option.key
    if value.number is not None:
        return _plain(value.number)
    if value.date is not None:
        return str(value.date)
    if value.flag is not None:
        return value.flag
    return value.subscription_id or value.text


def typed(field: CaseField, values: Sequence[FieldValue]) -> str:
    """As an input shows it."""
    found = data(field, values)
    if isinstance(found, bool):
        return "yes" if found else "no"
    return "" if found is None or isinstance(found, list) else str(found)


def _plain(number: Decimal) -> str:
    """Without the zeros of its column."""
    whole = f"{number:f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _cents(number: Decimal) -> str:
    """An amount as people write it."""
    plain = _plain(number)
    return plain if len(plain.partition(".")[2]) > 2 else f"{number:.2f}"


# --- found


def matching(field: CaseField, op: str, value: str) -> Q:
    """Rows of this field that are `op` the value, by the column of its kind and that column's index."""
    try:
        return _matching(field, op, value)
    except _Wrong as wrong:
        raise BadValue(field.key, str(wrong), field.name) from wrong


def _matching(field: CaseField, op: str, value: str) -> Q:
    kind = Kind(field.kind)
    if kind in {Kind.NUMBER, Kind.MONEY}:
        return _compared("number", op, _decimal(value))
    if kind == Kind.DATE:
        return _compared("date", op, _day(value))
    if op != "=":
        raise _Wrong(_("Only numbers, amounts and dates are larger or smaller."))
    if kind == Kind.YES_NO:
        return Q(flag=_said(value))
    if field.offers:
        return Q(option__in=_options(field, value))
    if kind == Kind.SUBSCRIPTION:
        return Q(subscription__product__name__istartswith=value) | Q(subscription__plan__istartswith=value)
    return _begins(value)


_LOOKUPS = {"=": "", "<": "__lt", "<=": "__lte", ">": "__gt", ">=": "__gte"}


def _compared(column: str, op: str, value: Any) -> Q:
    return Q(**{f"{column}{_LOOKUPS[op]}": value})


def _options(field: CaseField, value: str) -> list[int]:
    word = value.strip().casefold()
    found = [o.pk for o in field.options.all() if word in {o.key, o.name.casefold()}]
    if not found:
        offered = ", ".join(option.name for option in field.options.all())
        raise _Wrong(_("Choose of: %(options)s.") % {"options": offered})
    return found


def _begins(value: str) -> Q:
    """Texts that begin so, whatever the case of their letters."""
    return Q(StartsWith(Upper(Left("text", MOST_FOUND_BY)), value[:MOST_FOUND_BY].upper()))
