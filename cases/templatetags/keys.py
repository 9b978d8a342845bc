"""The sheet of keys (cases.keys) for every page of the console."""

from typing import Any

from django import template

from cases.keys import COLUMNS

register = template.Library()


@register.simple_tag
def key_columns() -> Any:
    """Columns of groups: their title, and their keys."""
    return COLUMNS
