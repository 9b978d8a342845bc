"""The house's own fields as filters: `serial:AB12`, `amount:>=100`, `fault:none`, by the key of each (docs/fields.md)."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from cases import fields
from cases.filter_parts import Asker, Key, NotUnderstood, Part
from cases.models import CaseField

_EXAMPLES = {
    CaseField.Kind.NUMBER: ">=100",
    CaseField.Kind.MONEY: ">=100",
    CaseField.Kind.DATE: "<2026-12-31",
    CaseField.Kind.YES_NO: "yes",
}


def named(name: str) -> Key | None:
    """The filter of the field with this key, one no longer asked for included: it may hold something."""
    field = CaseField.objects.prefetch_related("options").filter(key=name).first()
    return _key(field) if field else None


def every() -> list[Key]:
    """Of every field that is asked for."""
    return [_key(field) for field in CaseField.objects.active().prefetch_related("options")]


def _key(field: CaseField) -> Key:
    options = [option.name for option in field.options.all()]
    example = options[0] if options else _EXAMPLES.get(CaseField.Kind(field.kind), "AB12")
    return Key(field.key, field.name, f"{field.key}:{example}", partial(_read, field), partial(_offered, field))


def _read(field: CaseField, value: str, asker: Asker) -> Part:
    try:
        return Part(fields.typed_condition(f"{field.key}:{value}"), narrow=True)
    except fields.BadValue as wrong:
        raise NotUnderstood(str(wrong.message)) from None


def _offered(field: CaseField, _asker: Asker) -> Iterable[tuple[str, Any]]:
    if field.kind == CaseField.Kind.YES_NO:
        return [("yes", ""), ("no", ""), ("none", "")]
    return [*((option.name, "") for option in field.options.all() if option.is_active), ("none", "")]
