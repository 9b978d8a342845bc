"""Filters as views of a queue: what each holds, in which order, and how many; a count always equals its list."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, Q
from django.utils.functional import Promise as Words
from django.utils.translation import gettext as _

from cases import filters, lists
from cases.filter_parts import Asker
from cases.models import Case, Queue, SavedFilter
from cases.models.case_rows import CaseQuerySet
from crm.database.prepared import Prepared
from crm.models import User
from customers.folding import clean

TYPED = "q"  # the view of a filter that has no name


@dataclass
class Listed:
    """One view of a queue, whatever makes it."""

    name: str
    title: str | Words
    queue: Queue
    asker: Asker
    text: str = ""
    saved: SavedFilter | None = None

    @cached_property
    def filter(self) -> filters.Filter | None:
        """None: one of the views every queue has."""
        if self.saved is not None:
            return filters.read(self.text, self.asker.as_written)
        return filters.read(self.text, self.asker) if self.name == TYPED else None

    @property
    def cases(self) -> CaseQuerySet:
        """In no order."""
        if self.filter is None:
            return lists.view(self.name, self.queue, self.asker.user, at=self.asker.at)
        return filters.in_list(self.filter, self.queue, self.asker)

    @property
    def in_order(self) -> CaseQuerySet:
        """In working order; where what is done with is among them, newest first."""
        return self.cases.order_by("-opened_at", "-pk") if self.by_age else self.cases.in_order()

    def page(self, start: int = 0) -> list[Case]:
        """One screenful from `start`."""
        if self.filter is None and not start:
            return lists.first_page(self.name, self.queue, self.asker.user, at=self.asker.at)
        return list(lists.for_rows(self.in_order)[start : start + lists.PAGE])

    @property
    def by_age(self) -> bool:
        return self.filter is not None and self.filter.with_done

    @property
    def timed(self) -> bool:
        """Whether the clock alone lets cases in and out."""
        return self.filter is not None and self.filter.timed

    @property
    def empty(self) -> Any:
        """What it says when nothing is in it: one useful thing."""
        if self.filter is None:
            return lists.EMPTY[self.name]
        if self.filter.problems:
            return " ".join(self.filter.problems)
        return _("Nothing here is “%(filter)s”.") % {"filter": self.text}


def beside(queue: Queue, asker: Asker) -> dict[str, Listed]:
    """The saved filters beside the views of a queue, by the name of their view."""
    rows = _BESIDE(queue.pk, asker.user.pk)
    return {row.view: Listed(row.view, row.name, queue, asker, row.text, row) for row in rows}


_BESIDE = Prepared(lambda queue, user: SavedFilter.objects.beside(Queue(pk=queue), User(pk=user)), int, int)


def built_in(name: str, queue: Queue, asker: Asker) -> Listed:
    return Listed(name, lists.NAMES[name], queue, asker)


def asked(given: Mapping[str, str], queue: Queue, asker: Asker, saved: dict[str, Listed]) -> Listed | None:
    """The view an address names; a filter that was typed stands in it."""
    view, text = given.get("view", ""), " ".join(clean(given.get("q", "")).split())
    if view in lists.NAMES:
        return built_in(view, queue, asker)
    if view in {"", TYPED} and text:
        return Listed(TYPED, text, queue, asker, text)
    return saved.get(view)


def counts(wanted: Mapping[str, Listed]) -> dict[str, int]:
    """How many each filter holds. Those of cases at work are counted together, in one pass over the queue's; each of the
    others over the newest WINDOW."""
    numbers = {name: 0 for name, each in wanted.items() if each.filter}
    known = {name: each for name, each in wanted.items() if each.filter and not each.filter.problems}
    together = {name: each for name, each in known.items() if not each.by_age}
    if together:
        numbers |= _at_once(together)
    return numbers | {name: each.cases.count() for name, each in known.items() if each.by_age}


def _at_once(wanted: Mapping[str, Listed]) -> dict[str, int]:
    queue = next(iter(wanted.values())).queue
    each = {name: Count("pk", filter=_condition(listed)) for name, listed in wanted.items()}
    return Case.objects.active().filter(queue=queue).aggregate(**each)


def _condition(listed: Listed) -> Q:
    assert listed.filter is not None  # noqa: S101 - `counts` chose them so
    return filters.condition(listed.filter, listed.queue, listed.asker)
