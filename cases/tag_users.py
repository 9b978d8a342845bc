"""Who names a tag: saved filters, macros, rules and skills; and how they follow when it goes by another name. A macro and a
rule get a new version that says why. Called inside the renaming's transaction, so that each follows once or not at all."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cases import asking
from cases.models import Macro, Rule, SavedFilter, Skill
from cases.models.rule_shape import TAG
from crm.models import User

Rename = Callable[[str], str]
_STEPS = {"add_tags", "remove_tags"}


@dataclass(frozen=True)
class Users:
    """Those that name a tag as they stand now."""

    filters: list[SavedFilter]
    macros: list[Macro]
    rules: list[Rule]
    skills: list[Skill]

    def __len__(self) -> int:
        return len(self.filters) + len(self.macros) + len(self.rules) + len(self.skills)


def users_of(name: str) -> Users:
    """Found by reading all of them: there are hundreds at most. A filter may hold the word otherwise, so it is cut."""
    filters = SavedFilter.objects.filter(text__icontains="tag:").order_by("pk")
    macros = Macro.objects.filter(current__isnull=False).select_related("current").order_by("pk")
    rules = Rule.objects.filter(current__isnull=False).select_related("current").order_by("pk")
    return Users(
        [each for each in filters if name in _tags_of_text(each.text)],
        [each for each in macros if any(name in _spelt(step["tags"]) for step in _tagging(each.steps))],
        [each for each in rules if each.current and _renamed_rule(each, _to(name, f"{name} ")) is not None],
        list(Skill.objects.filter(tags__contains=[name]).order_by("pk")),
    )


def follow(name: str, into: str, *, by: User | None, at: datetime) -> None:
    """All of them name `into` from here on."""
    rename, why = _to(name, into), _("The tag “%(tag)s” became “%(into)s”.") % {"tag": name, "into": into}
    found = users_of(name)
    for skill in Skill.objects.select_for_update().filter(pk__in=[each.pk for each in found.skills]).order_by("pk"):
        skill.tags = sorted({rename(tag) for tag in skill.tags})
        skill.save(update_fields=["tags"])
    for saved in SavedFilter.objects.select_for_update(of=("self",)).filter(pk__in=[f.pk for f in found.filters]):
        _follow_filter(saved, rename, by)
    for macro in found.macros:
        macro.rewrite(lambda steps: _renamed_steps(steps, rename), why=why, by=by)
    for rule in found.rules:
        rule.rewrite(lambda version: _renamed(version.condition, version.then, rename), why=why, by=by, at=at)


def _to(name: str, into: str) -> Rename:
    return lambda tag: into if _word(tag) == name else tag


def _word(tag: str) -> str:
    return " ".join(tag.lower().split())


def _spelt(tags: list[str]) -> set[str]:
    return {_word(tag) for tag in tags}


def _each(tags: list[str], rename: Rename) -> list[str]:
    """Each once, in their order: a merge may make two of them one."""
    return list(dict.fromkeys(rename(tag) for tag in tags))


# --- filters


def _tags_of_text(text: str) -> set[str]:
    return {_word(value) for term in asking.cut(text).terms if term.key == "tag" for value in term.values}


def renamed_text(text: str, rename: Rename) -> str:
    """The text of a filter with its tags renamed, and all else as it was typed."""
    for term in asking.cut(text).terms:
        if term.key == "tag":
            values = "|".join(asking.quoted(value) for value in _each(list(term.values), rename))
            told = f"{'-' if term.negated else ''}tag:{values}"
            text = re.sub(rf"(?<!\S){re.escape(term.text)}(?!\S)", lambda _m, told=told: told, text, count=1)  # type: ignore[misc]
    return text


def _follow_filter(saved: SavedFilter, rename: Rename, by: User | None) -> None:
    """One that would grow too long stays as it is: it cannot be saved."""
    text = renamed_text(saved.text, rename)
    if text == saved.text or len(text) > asking.LONGEST:
        return
    saved.text = text
    saved.save(update_fields=["text"])
    if saved.queue is not None:
        saved.queue.record("filter_changed", by=by, filter=saved.pk)


# --- macros and rules


def _tagging(steps: list[Any]) -> Iterator[Any]:
    return (step for step in steps if step["do"] in _STEPS)


def _renamed_steps(steps: list[Any], rename: Rename) -> list[Any]:
    return [step | {"tags": _each(step["tags"], rename)} if step["do"] in _STEPS else step for step in steps]


def _renamed_rule(rule: Rule, rename: Rename) -> tuple[Any, Any] | None:
    """What its version would say; None where it names no such tag."""
    version = rule.current
    assert version is not None  # noqa: S101 - for the type checker; asked for above
    said = _renamed(version.condition, version.then, rename)
    return None if said == (version.condition, version.then) else said


def _renamed(condition: Any, then: list[Any], rename: Rename) -> tuple[Any, Any]:
    return _renamed_condition(condition, rename), [_renamed_action(action, rename) for action in then]


def renamed_condition(condition: Any, former: Mapping[str, str]) -> Any:
    """A condition with its tags by the names they go by now."""
    return _renamed_condition(condition, lambda tag: former.get(_word(tag), tag)) if former else condition


def _renamed_action(action: Mapping[str, Any], rename: Rename) -> Mapping[str, Any]:
    if action["do"] != TAG:
        return action
    return {key: sorted(_each(value, rename)) if key in {"add", "remove"} else value for key, value in action.items()}


def _renamed_condition(part: Any, rename: Rename) -> Any:
    """A condition is a tree; what it asks of `tags` are its leaves."""
    if isinstance(part, list):
        return [_renamed_condition(each, rename) for each in part]
    if not isinstance(part, dict):
        return part
    if part.get("fact") == "tags" and "value" in part:
        value = part["value"]
        return part | {"value": _each(value, rename) if isinstance(value, list) else _one(value, rename)}
    return {key: _renamed_condition(value, rename) for key, value in part.items()}


def _one(value: Any, rename: Rename) -> Any:
    return rename(value) if isinstance(value, str) else value
