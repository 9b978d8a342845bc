"""Facts whose plugin does not answer just now: it rests after it was slow (crm.hooks), or it failed. What it told before is
remembered in this process, so that a condition that names one of its facts is still read and checked; what the fact says
is unknown meanwhile, as docs/conditions.md tells."""

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from math import isfinite
from typing import Any, ParamSpec, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.hooks import Hook, is_ours
from customers.operands import Money

P = ParamSpec("P")
T = TypeVar("T")
MOST_PLUGINS = 10  # that fail one after the other while one thing is asked
log = logging.getLogger(__name__)

_told: dict[tuple[str, str], tuple[Any, ...]] = {}  # by hook and contribution: the latest
_silent: dict[str, frozenset[str]] = {}  # by hook: whose facts nobody here has ever heard
_away: dict[str, bool] = {}  # by hook that conditions ask: whether somebody did not answer when it was last asked
_turns = 0  # plugins that failed in the middle of a question


def _marked(fact: Any, of: str) -> Any:
    return replace(fact, rests=of)


def _from(fact: Any, contribution: str) -> Any:
    """A plugin's is asked with care; ours are trusted."""
    return fact if is_ours(contribution) else replace(fact, of=contribution)


def gathered(hook: Hook[[], Any], mark: Callable[[Any, str], Any] = _marked) -> Iterator[Any]:
    """What its contributions add, those of plugins with the contribution's name (`of`); of one that does not answer, what it
    told before, marked with who it is of."""
    silent, away = set(), False
    for filled in hook.run():
        key = hook.name, filled.name
        away = away or bool(filled.failure)
        if not filled.failure:
            _told[key] = tuple(filled.value or ())
            yield from (_from(fact, filled.name) for fact in _told[key])
        elif key in _told:
            yield from (mark(fact, plugin(filled.name)) for fact in _told[key])
        else:
            silent.add(plugin(filled.name))
    _silent[hook.name] = frozenset(silent)
    if mark is _marked:  # else no condition asks them
        _away[hook.name] = away


class Rested(Exception):
    """A plugin could not say what one of its facts is, of somebody or something, and rests from now on: its facts are
    unknown, which every condition must be told before it is asked. So whoever asked begins anew (`again`)."""


def said(hook: Hook[[], Any], fact: Any, value: Callable[..., Any], *asked: object) -> Any:
    """What `value` of a fact that `hook` gathered says. A plugin's is isolated; raises Rested where it fails, takes too long
    or gives what is not of the fact's type."""
    global _turns
    if not fact.of:
        return value(*asked)
    filled = hook.ask(fact.of, value, *asked)
    if filled.failure or not _fits(fact, filled.value):
        if not filled.failure:
            log.warning("hook %s: %s: %s says %s", hook.name, fact.of, fact.name, type(filled.value).__name__)
        hook.rest(fact.of)
        _away[hook.name] = True
        _turns += 1
        raise Rested(fact.name)
    return filled.value


# What Python has for each type of the condition language; None is unknown, which a set never is.
_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "money": (Money,),
    "date": (date,),
    "boolean": (bool,),
    "set": (frozenset, set),
}


def _fits(fact: Any, value: Any) -> bool:
    """Of a collection, of every field of its rows."""
    kind = getattr(fact, "type", "")
    if not kind:
        return all(_fits(field, row[field.name]) for row in value for field in fact.fields)
    if value is None:
        return bool(kind != "set")
    if kind == "number":
        return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and isfinite(value)
    if kind == "time":
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(value, _TYPES[kind]) and not (kind == "date" and isinstance(value, datetime))


def again(function: Callable[P, T]) -> Callable[P, T]:
    """Begin anew, knowing who rests now, when a plugin failed in the middle; it must not have written anything before."""

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        for _plugin in range(MOST_PLUGINS):
            try:
                return function(*args, **kwargs)
            except Rested:
                continue
        return function(*args, **kwargs)

    return asked


def turn() -> int:
    """Another number after each plugin that failed in the middle: what was put together before says otherwise."""
    return _turns


def is_anybody() -> bool:
    """Whether some plugin did not answer when it was last asked: what was put together before says otherwise."""
    return any(_away.values())


def is_silent(hook: Hook[[], Any]) -> bool:
    """Whether some plugin did not answer when `hook` was last asked, and nobody here knows what it adds."""
    return bool(_silent.get(hook.name))


def silent() -> list[str]:
    """The plugins that do not answer, and of which nobody here knows what facts of conditions they add."""
    return sorted(frozenset().union(*(_silent[name] for name in _away)))


def plugin(contribution: str) -> str:
    """Whose it is: "shop" of "shop.customer_hooks.points"."""
    parts = contribution.split(".")
    ends = next((n for n, part in enumerate(parts) if part.endswith("_hooks")), 0)
    return ".".join(parts[:ends]) or contribution


def words(facts: Collection[str]) -> str:
    """Why these are unknown, and what comes of it; "" for none."""
    if not facts:
        return ""
    told = ngettext(
        "%(facts)s is unknown for now: its plugin does not answer. What depends on it stays as it is until it does.",
        "%(facts)s are unknown for now: their plugin does not answer. What depends on them stays as it is until it does.",
        len(facts),
    )
    return told % {"facts": ", ".join(f"“{name}”" for name in sorted(facts))}


def label(told: Any, rests: str) -> str:
    """A fact as it is chosen from a list."""
    return _("%(fact)s (unknown for now: “%(plugin)s” does not answer)") % {"fact": told, "plugin": rests} if rests else str(told)  # fmt: skip


def unheard(name: object) -> str:
    """Why a condition that names this cannot be checked now."""
    told = _("“%(name)s” cannot be looked up now: %(plugins)s does not answer. Try again in a minute.")
    return told % {"name": str(name)[:60], "plugins": ", ".join(f"“{one}”" for one in silent())}


def forget() -> None:
    """As a process that has just started, for tests."""
    _told.clear()
    _silent.clear()
    _away.clear()
