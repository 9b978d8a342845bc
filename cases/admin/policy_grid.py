"""The grid in which a supervisor writes a policy's table: a line an input, a line a row, a cell an input and row. The cells
of a row are those of the inputs as they are sent, so that a page that was not saved yet shows the columns of new ones."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from cases.policy import facts, words
from cases.policy.table import ASKED, CHOICE, MOST_INPUTS, MOST_ROWS, NUMBER, PROMISE_BROKEN, YES_NO
from customers.folding import words as folded

Data = dict[str, Any]
_KINDS = [
    (CHOICE, gettext_lazy("one of several")),
    (YES_NO, gettext_lazy("yes or no")),
    (NUMBER, gettext_lazy("a number")),
]
_AMOUNT = ("base", "each", "of", "factor_of", "step", "most_times", "least", "most")


def _line(label: Any, help_text: Any = "", size: int = 10) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"size": size, "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=120, help_text=help_text, widget=widget)


def _area(label: Any, most: int, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text, widget=widget)


class InputForm(forms.Form):
    """One input; a line without a label is none."""

    name = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    label = _line(gettext_lazy("What the table goes by"), size=28)
    kind = forms.ChoiceField(label=gettext_lazy("It is"), choices=_KINDS, widget=UnfoldAdminSelectWidget)
    source = forms.ChoiceField(label=gettext_lazy("Who says it"), required=False, widget=UnfoldAdminSelectWidget)
    options = _area(gettext_lazy("Its values"), 4000, gettext_lazy("A line each, where it is one of several."))
    least = _line(gettext_lazy("From"), gettext_lazy("Where it is a number."))
    most = _line(gettext_lazy("To"), gettext_lazy("Empty: without end."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        computed = [(name, fact.label) for name, fact in facts.known().items()]
        self.fields["source"].choices = [(ASKED, _("the rep is asked")), *computed]  # type: ignore[attr-defined]

    def data_of(self) -> Data:
        """As it is kept; empty when the line is none. A new one is named after its label."""
        given = self.cleaned_data
        label = given.get("label", "").strip()
        if not label or given.get("DELETE"):
            return {}
        found: Data = {"name": given["name"] or _named(label), "label": label, "kind": given.get("kind", "")}
        found["from"] = given.get("source") or ASKED
        if found["kind"] == CHOICE:
            found["options"] = _options(given.get("options", ""))
        if found["kind"] == NUMBER:
            found |= {name: given[name].strip() for name in ("least", "most") if given.get(name, "").strip()}
        return found


def _named(label: str) -> str:
    name = re.sub(r"[^a-z0-9_]", "", "_".join(folded(label)))[:40]
    return name if name[:1].isalpha() else f"i_{name}"[:40]


def _options(text: str) -> list[Data]:
    """`value = label`, or the label alone, a line each."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        value, equals, label = line.partition("=")
        found.append(
            {"value": value.strip(), "label": label.strip()} if equals else {"value": _named(line), "label": line}
        )
    return found


class RowForm(forms.Form):
    """One row; a line without a remedy is none. Its cells are fields made for the inputs there are."""

    remedy = forms.ChoiceField(label=gettext_lazy("It gives"), required=False, widget=UnfoldAdminSelectWidget)
    base = _line(gettext_lazy("Amount"))
    each = _line(gettext_lazy("and so much for each"))
    of = forms.ChoiceField(label=gettext_lazy("of"), required=False, widget=UnfoldAdminSelectWidget)
    factor_of = forms.ChoiceField(label=gettext_lazy("times, by"), required=False, widget=UnfoldAdminSelectWidget)
    factors = _area(gettext_lazy("a factor"), 2000, gettext_lazy("A line each: value = factor."))
    step = _line(gettext_lazy("more for each time before"), gettext_lazy("0.5 is half as much again."))
    most_times = _line(gettext_lazy("at most times"))
    least = _line(gettext_lazy("never less than"))
    most = _line(gettext_lazy("never more than"))
    words = _area(gettext_lazy("What the rep says"), 1000)
    unasked = forms.BooleanField(
        label=gettext_lazy("Paid unasked when a promise of ours is broken"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, inputs: Sequence[Data], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.inputs = inputs
        given = [("", "–"), *((kind, label) for kind, label in words.REMEDIES.items())]
        self.fields["remedy"].choices = given  # type: ignore[attr-defined]
        numbers = [(each["name"], each["label"]) for each in inputs if each["kind"] == NUMBER]
        chosen = [(each["name"], each["label"]) for each in inputs if each["kind"] != NUMBER]
        self.fields["of"].choices = [("", "–"), *numbers]  # type: ignore[attr-defined]
        self.fields["factor_of"].choices = [("", "–"), *chosen]  # type: ignore[attr-defined]
        for each in inputs:
            self._cells_of(each)

    def _cells_of(self, each: Data) -> None:
        name = each["name"]
        if each["kind"] == NUMBER:
            self.fields[f"from-{name}"] = _line(gettext_lazy("from"), size=6)
            self.fields[f"below-{name}"] = _line(gettext_lazy("below"), size=6)
        else:
            self.fields[f"cell-{name}"] = forms.MultipleChoiceField(
                label=each["label"],
                required=False,
                choices=_values(each),
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )

    def cells(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Each input's label with its fields in this row."""
        names = [
            [f"from-{i['name']}", f"below-{i['name']}"] if i["kind"] == NUMBER else [f"cell-{i['name']}"]
            for i in self.inputs
        ]
        return [(i["label"], [self[name] for name in some]) for i, some in zip(self.inputs, names, strict=True)]

    def gives(self) -> list[forms.BoundField]:
        return [
            self[name] for name in ("base", "each", "of", "factor_of", "factors", "step", "most_times", "least", "most")
        ]

    def data_of(self) -> Data:
        given = self.cleaned_data
        if not given.get("remedy") or given.get("DELETE"):
            return {}
        amount: Data = {name: given[name].strip() for name in _AMOUNT if given.get(name, "").strip()}
        if amount.get("factor_of"):
            amount["factors"] = {o["value"]: o["label"] for o in _options(given.get("factors", ""))}
        when = {each["name"]: cell for each in self.inputs if (cell := self._cell(each))}
        said = given.get("words", "").strip()
        found: Data = {"when": when, "remedy": given["remedy"], "amount": amount, "words": said}
        return found | ({"unasked": PROMISE_BROKEN} if given.get("unasked") else {})

    def _cell(self, each: Data) -> Any:
        given, name = self.cleaned_data, each["name"]
        if each["kind"] != NUMBER:
            return given.get(f"cell-{name}")
        ends = {"from": given.get(f"from-{name}", "").strip(), "below": given.get(f"below-{name}", "").strip()}
        return {end: number for end, number in ends.items() if number}


def _values(each: Data) -> list[tuple[str, Any]]:
    if each["kind"] == YES_NO:
        return [("yes", _("yes")), ("no", _("no"))]
    return [(option["value"], option["label"]) for option in each.get("options", [])]


Inputs = forms.formset_factory(
    InputForm, extra=1, can_delete=True, max_num=MOST_INPUTS, validate_max=True, absolute_max=MOST_INPUTS + 1
)
Rows = forms.formset_factory(
    RowForm, extra=2, can_delete=True, max_num=MOST_ROWS, validate_max=True, absolute_max=MOST_ROWS + 1
)


def shown_input(each: Mapping[str, Any]) -> Data:
    """An input as its line shows it."""
    options = "\n".join(f"{option['value']} = {option['label']}" for option in each.get("options", []))
    return {**each, "source": each.get("from", ASKED), "options": options}


def shown_row(row: Mapping[str, Any]) -> Data:
    """A row as its line shows it."""
    amount = row.get("amount", {})
    found: Data = {name: amount.get(name) for name in _AMOUNT if amount.get(name) is not None}
    found["factors"] = "\n".join(f"{value} = {factor}" for value, factor in (amount.get("factors") or {}).items())
    for name, cell in (row.get("when") or {}).items():
        if isinstance(cell, Mapping):
            found |= {f"from-{name}": cell.get("from"), f"below-{name}": cell.get("below")}
        else:
            found[f"cell-{name}"] = cell
    return found | {"remedy": row["remedy"], "words": row.get("words", ""), "unasked": bool(row.get("unasked"))}


def canonical(table: Mapping[str, Any]) -> Data:
    """A table as the grid would say it: what reads the same is the same."""
    rows = [
        {
            "when": {name: cell for name, cell in (row.get("when") or {}).items() if cell},
            "remedy": row["remedy"],
            "amount": {k: str(v) if not isinstance(v, Mapping) else {n: str(f) for n, f in v.items()}
                       for k, v in (row.get("amount") or {}).items() if v not in (None, "")},
            "words": row.get("words", ""),
            "unasked": row.get("unasked", ""),
        }
        for row in table.get("rows", [])
    ]  # fmt: skip
    inputs = [{**each, "from": each.get("from", ASKED)} for each in table.get("inputs", [])]
    return {"currency": table.get("currency"), "inputs": inputs, "rows": rows}
