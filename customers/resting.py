"""Facts whose plugin does not answer just now: it rests after it was slow (crm.hooks), or it failed. What it told before is
remembered in this process, so that a condition that names one of its facts is still read and checked; what the fact says
is unknown meanwhile, as docs/conditions.md tells."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.hooks import Hook

_told: dict[tuple[str, str], tuple[Any, ...]] = {}  # by hook and contribution: the latest
_silent: dict[str, frozenset[str]] = {}  # by hook: whose facts nobody here has ever heard
_unheard: dict[str, bool] = {}  # by hook: whether there is anybody like that, conditions or not
_away: dict[str, bool] = {}  # by hook: whether somebody did not answer when it was last asked


def _marked(fact: Any, of: str) -> Any:
    return replace(fact, rests=of)


def _plain(fact: Any, _of: str) -> Any:
    return fact


def gathered(
    hook: Hook[[], Any], mark: Callable[[Any, str], Any] = _marked, dress: Callable[[Any, str], Any] = _plain
) -> Iterator[Any]:
    """What its contributions add, each by `dress` with the contribution's name; of one that does not answer, what it told
    before, marked with who it is of."""
    silent, away = set(), False
    for filled in hook.run():
        key = hook.name, filled.name
        away = away or bool(filled.failure)
        if not filled.failure:
            _told[key] = tuple(filled.value or ())
            yield from (dress(fact, filled.name) for fact in _told[key])
        elif key in _told:
            yield from (mark(fact, plugin(filled.name)) for fact in _told[key])
        else:
            silent.add(plugin(filled.name))
    _unheard[hook.name] = bool(silent)
    if mark is _marked:  # else no condition asks them
        _silent[hook.name], _away[hook.name] = frozenset(silent), away


def is_anybody() -> bool:
    """Whether some plugin did not answer when it was last asked: what was put together before says otherwise."""
    return any(_away.values())


def is_silent(hook: Hook[[], Any]) -> bool:
    """Whether some plugin did not answer when `hook` was last asked, and nobody here knows what it adds."""
    return _unheard.get(hook.name, False)


def silent() -> list[str]:
    """The plugins that do not answer, and of which nobody here knows what facts they add."""
    return sorted(frozenset().union(*_silent.values()))


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
    _unheard.clear()
    _silent.clear()
    _away.clear()
