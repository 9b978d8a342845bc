"""What every page of the console carries and is the same for everybody who reads one language: its dialogs, the sheet of
keys (cases.keys) among them."""

from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from cases.keys import COLUMNS

register = template.Library()


@register.simple_tag
def console_dialogs() -> SafeString:
    """The dialogs and the scripts' words: a seventh of a page's rendering, so a process renders them once a language."""
    render = _dialogs.__wrapped__ if settings.DEBUG else _dialogs
    return render(get_language() or "", get_script_prefix())


@lru_cache(maxsize=16)
def _dialogs(_language: str, _prefix: str) -> SafeString:
    return mark_safe(render_to_string("cases/_dialogs.html"))  # noqa: S308 - a template's own


@register.simple_tag
def key_columns() -> Any:
    """Columns of groups: their title, and their keys."""
    return COLUMNS
