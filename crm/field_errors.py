"""What is wrong with an input, field by field, in sentences that say what to do."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.settings import api_settings


def of(form: serializers.BaseSerializer[Any]) -> list[dict[str, str]]:
    """The errors of a form that is not valid, flat: {field: "customer.contact_points[0].value", message}."""
    return list(flat(form.errors, "", form, getattr(form, "initial_data", None)))


def flat(detail: Any, where: str, shape: Any = None, given: Any = None) -> Iterator[dict[str, str]]:
    """DRF's nested errors as a list. With the `shape` and what was `given` to it, choices are named."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from flat(inner, *_inside(name, where, shape, given))
    elif isinstance(detail, list):
        for n, inner in enumerate(detail):
            apart = isinstance(inner, (dict, list))
            yield from flat(inner, *(_inside(n, where, shape, given) if apart else (where, shape, given)))
    else:
        yield {"field": where, "message": _sentence(detail, shape, given)}


def unknown(form: serializers.Serializer[Any], given: Any) -> list[str]:
    """The names in a body that its shape does not have, on its first level."""
    return sorted(set(given) - set(form.fields)) if isinstance(given, dict) else []


def _inside(name: str | int, where: str, shape: Any, given: Any) -> tuple[str, Any, Any]:
    """The place, shape and value one step further in; None where there is none."""
    if name == api_settings.NON_FIELD_ERRORS_KEY:
        return where, shape, given
    place = f"{where}[{name}]" if isinstance(name, int) else f"{where}.{name}".lstrip(".")
    within = shape.child if hasattr(shape, "child") else getattr(shape, "fields", {}).get(name)
    try:
        return place, within, given[name]
    except (KeyError, IndexError, TypeError):
        return place, within, None


def _sentence(detail: Any, shape: Any, given: Any) -> str:
    code = getattr(detail, "code", "")
    if code == "invalid_choice" and (choices := getattr(shape, "choices", None)):
        return _("“%(given)s” is none of: %(choices)s.") % {"given": given, "choices": ", ".join(map(str, choices))}
    if code == "does_not_exist":
        return _("There is no %(given)s that you may use.") % {"given": given}
    return str(detail)
