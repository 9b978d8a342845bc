"""A table as it is kept (JSON) read into what is asked (cases.policy.table), with everything wrong with it in sentences."""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from cases.policy import proving, words
from cases.policy.forbidden import speaks_of
from cases.policy.table import (
    ASKED,
    CHOICE,
    KINDS,
    MOST_INPUTS,
    MOST_ROWS,
    NONE,
    NUMBER,
    REMEDIES,
    UNASKED,
    Amount,
    Cell,
    Input,
    Row,
    Span,
    Table,
)

MOST_MONEY = Decimal("9999999999")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class BadTable(Exception):
    """What is wrong, a sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


def read(data: Any) -> Table:
    """The table these words describe, whole or not. Raises BadTable where they describe none."""
    if not isinstance(data, Mapping):
        raise BadTable([_("A table is an object with currency, inputs and rows.")])
    faults: list[str] = []
    currency = data.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        faults.append(_("Name the currency with three capital letters, like EUR."))
    inputs = _inputs(_listed(data, "inputs", MOST_INPUTS, faults), faults)
    if faults:  # rows are read by their inputs
        raise BadTable(faults)
    rows = _rows(_listed(data, "rows", MOST_ROWS, faults), {each.name: each for each in inputs}, faults)
    if faults:
        raise BadTable(faults)
    return Table(str(currency), tuple(inputs), tuple(rows))


def whole(data: Any, facts: Collection[str]) -> Table:
    """The same, proved: it goes by known facts, every combination has one row and no more. Raises BadTable."""
    table = read(data)
    unknown = sorted({each.source for each in table.inputs if not each.is_asked} - set(facts))
    faults = [
        _("There is no fact “%(name)s”. There are: %(known)s.") % {"name": name, "known": ", ".join(sorted(facts))}
        for name in unknown
    ]
    if not table.rows:
        faults.append(_("Add a row: a table without rows decides nothing."))
    faults += [words.overlap(table, each) for each in proving.overlaps(table)]
    faults += [words.gap(table, each) for each in proving.gaps(table)] if table.rows else []
    if faults:
        raise BadTable(faults)
    return table


def _listed(data: Mapping[str, Any], name: str, most: int, faults: list[str]) -> list[Mapping[str, Any]]:
    found = data.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        faults.append(_("%(name)s is a list of objects.") % {"name": name})
        return []
    if len(found) > most:
        faults.append(_("At most %(most)d %(name)s.") % {"most": most, "name": name})
        return []
    return found


# --- inputs


def _inputs(listed: list[Mapping[str, Any]], faults: list[str]) -> list[Input]:
    found: list[Input] = []
    for place, data in enumerate(listed, 1):
        wrong = list(_input_faults(data, {each.name for each in found}))
        faults += [_("Input %(n)d: %(fault)s") % {"n": place, "fault": fault} for fault in wrong]
        if not wrong:
            found.append(_input(data))
    return found


def _input_faults(data: Mapping[str, Any], taken: Collection[str]) -> Iterator[str]:
    yield from _name_faults(data.get("name"), taken)
    label, kind = data.get("label"), data.get("kind")
    if not isinstance(label, str) or not 0 < len(label.strip()) <= 120:
        yield _("say what it is in at most 120 characters.")
    if not isinstance(data.get("from", ASKED), str):
        yield _("say where it comes from: asked, or the name of a fact.")
    if word := speaks_of(*(str(data.get(key, "")) for key in ("name", "label", "from"))):
        yield _(
            "“%(word)s” speaks of what a customer is worth, feels, or how far they are heard. A policy goes by what "
            "happened: the same failure, the same remedy."
        ) % {"word": word}
    if kind not in KINDS:
        yield _("choose its kind: choice, yes_no or number.")
    elif kind == CHOICE:
        yield from _option_faults(data.get("options"))
    elif kind == NUMBER:
        yield from _bound_faults(data)


def _name_faults(name: Any, taken: Collection[str]) -> Iterator[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield _("name it with small letters, digits and _, like months_late.")
    elif name in taken:
        yield _("there is another named %(name)s.") % {"name": name}


def _option_faults(options: Any) -> Iterator[str]:
    if not isinstance(options, list) or not 2 <= len(options) <= 30 or not all(map(_is_option, options)):
        yield _("give it 2 to 30 options, each with a value and a label.")
        return
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        yield _("give each option a value of its own.")
    if word := speaks_of(*(text for option in options for text in (option["value"], option["label"]))):
        yield _("the option “%(word)s” speaks of what a customer is worth, feels, or how far they are heard.") % {
            "word": word
        }


def _is_option(option: Any) -> bool:
    texts = [option.get("value"), option.get("label")] if isinstance(option, Mapping) else [None]
    return all(isinstance(text, str) and 0 < len(text.strip()) <= 120 for text in texts)


def _bound_faults(data: Mapping[str, Any]) -> Iterator[str]:
    least, most = number(data.get("least", 0)), number(data.get("most"))
    if least is None or (data.get("most") is not None and most is None):
        yield _("its bounds are numbers.")
    elif most is not None and most < least:
        yield _("its lowest number is above its highest.")


def _input(data: Mapping[str, Any]) -> Input:
    options = data.get("options", []) if data["kind"] == CHOICE else []
    return Input(
        name=data["name"],
        label=data["label"].strip(),
        kind=data["kind"],
        source=data.get("from", ASKED),
        options=tuple((option["value"], option["label"]) for option in options),
        least=number(data.get("least")) or Decimal(0),
        most=number(data.get("most")),
    )


def number(given: Any) -> Decimal | None:
    """A finite number of the size of money, or None."""
    if given is None or isinstance(given, bool) or not isinstance(given, (int, float, str, Decimal)):
        return None
    try:
        found = Decimal(str(given).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) <= MOST_MONEY and found.as_tuple().exponent >= -8 else None  # type: ignore[operator]


# --- rows


def _rows(listed: list[Mapping[str, Any]], inputs: Mapping[str, Input], faults: list[str]) -> list[Row]:
    found = []
    for place, data in enumerate(listed, 1):
        wrong = list(_row_faults(data, inputs))
        faults += [_("Row %(n)d: %(fault)s") % {"n": place, "fault": fault} for fault in wrong]
        if not wrong:
            found.append(_row(data, inputs))
    return found


def _row_faults(data: Mapping[str, Any], inputs: Mapping[str, Input]) -> Iterator[str]:
    when, amount = data.get("when", {}), data.get("amount", {})
    if not isinstance(when, Mapping) or not isinstance(amount, Mapping):
        yield _("its conditions and its amount are objects.")
        return
    for name, given in when.items():
        if name not in inputs:
            yield _("there is no input “%(name)s”.") % {"name": name}
        elif fault := _cell_fault(inputs[name], given):
            yield f"{inputs[name].label}: {fault}"
    if data.get("remedy") not in REMEDIES:
        yield _("choose a remedy: none, credit, refund, waiver or replacement.")
    if len(str(data.get("words", ""))) > 1000:
        yield _("the words to say have at most 1000 characters.")
    yield from _amount_faults(amount, inputs)
    yield from _unasked_faults(data, when, amount, inputs)


def _cell_fault(each: Input, given: Any) -> str:
    if given is None:
        return ""
    if each.kind == NUMBER:
        return _span_fault(each, given)
    if not isinstance(given, list) or not given or any(value not in each.values for value in given):
        return _("name some of its values: %(values)s.") % {"values": ", ".join(each.values)}
    return ""


def _span_fault(each: Input, given: Any) -> str:
    if not isinstance(given, Mapping):
        return _("an interval has “from” (included), “below” (not included), or both.")
    low, below = number(given.get("from")), number(given.get("below"))
    if any(given.get(key) is not None and number(given[key]) is None for key in ("from", "below")):
        return _("an interval’s ends are numbers.")
    start = each.least if low is None else max(low, each.least)
    if (below is not None and below <= start) or (each.most is not None and start > each.most):
        return _("this interval holds no number.")
    return ""


def _amount_faults(amount: Mapping[str, Any], inputs: Mapping[str, Input]) -> Iterator[str]:
    plain = ("base", "each", "step", "most_times", "least", "most")
    for name in plain:
        given = amount.get(name)
        if given is not None and ((found := number(given)) is None or found < 0):
            yield _("%(name)s is a number that is not below 0.") % {"name": name}
    of, factor_of = amount.get("of") or "", amount.get("factor_of") or ""
    if not isinstance(of, str) or not isinstance(factor_of, str):
        yield _("“of” and “factor_of” are names of inputs.")
        return
    if of and (of not in inputs or inputs[of].kind != NUMBER):
        yield _("“of” names an input that is a number.")
    if number(amount.get("each")) and not of:
        yield _("say of which number so much is given for each.")
    yield from _factor_faults(factor_of, amount.get("factors") or {}, inputs)
    least, most = number(amount.get("least")), number(amount.get("most"))
    if least is not None and most is not None and least > most:
        yield _("the least it gives is above the most.")


def _factor_faults(factor_of: str, factors: Any, inputs: Mapping[str, Input]) -> Iterator[str]:
    if not factor_of:
        return
    if factor_of not in inputs or inputs[factor_of].kind == NUMBER:
        yield _("“factor_of” names an input with values.")
    elif not isinstance(factors, Mapping) or not set(factors) <= set(inputs[factor_of].values):
        yield _("a factor belongs to a value of %(name)s.") % {"name": inputs[factor_of].label}
    elif any((found := number(value)) is None or not 0 <= found <= 100 for value in factors.values()):
        yield _("a factor is a number from 0 to 100.")


def _unasked_faults(
    data: Mapping[str, Any], when: Mapping[str, Any], amount: Mapping[str, Any], inputs: Mapping[str, Input]
) -> Iterator[str]:
    cause = data.get("unasked", "")
    if cause not in UNASKED:
        yield _("what is paid unasked is paid for promise_broken.")
    if not cause:
        return
    if data.get("remedy") == NONE:
        yield _("it is paid unasked, so it must give something.")
    used = [*(name for name, cell in when.items() if cell is not None), amount.get("of"), amount.get("factor_of")]
    asked = sorted(each.label for name, each in inputs.items() if name in used and each.is_asked)
    if asked:
        told = _("it is paid unasked, so nobody is there to say “%(name)s”: leave that at any.")
        yield told % {"name": ", ".join(asked)}


def _row(data: Mapping[str, Any], inputs: Mapping[str, Input]) -> Row:
    when = {name: _cell(inputs[name], given) for name, given in data.get("when", {}).items() if given is not None}
    return Row(
        when=when,
        remedy=data["remedy"],
        amount=_amount(data.get("amount", {})),
        words=str(data.get("words", "")).strip(),
        unasked=data.get("unasked", ""),
    )


def _cell(each: Input, given: Any) -> Cell:
    if each.kind == NUMBER:
        return Span(number(given.get("from")), number(given.get("below")))
    return frozenset(given)


def _amount(data: Mapping[str, Any]) -> Amount:
    factors = data.get("factors") or {} if data.get("factor_of") else {}
    return Amount(
        base=number(data.get("base")) or Decimal(0),
        each=number(data.get("each")) or Decimal(0),
        of=data.get("of") or "",
        factor_of=data.get("factor_of") or "",
        factors={value: number(factor) or Decimal(0) for value, factor in factors.items()},
        step=number(data.get("step")) or Decimal(0),
        most_times=number(data.get("most_times")) or Decimal(1),
        least=number(data.get("least")) or Decimal(0),
        most=number(data.get("most")),
    )
