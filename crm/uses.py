"""Who uses a row of the configuration: counted and linked, for whoever is about to change or retire it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from crm.hooks import Hook
from crm.models import User


@dataclass(frozen=True)
class Use:
    """One kind of use: a sentence that names its number, and where to see it. `hurts`: retiring the row would hurt it."""

    text: str
    count: int
    url: str = ""
    hurts: bool = False


# By app, for its models: (row, who asks) -> uses. Filled in `<app>/house_hooks.py`.
uses: Hook[[Model, User], list[Use]] = Hook("uses")


def of(row: Model, user: User) -> list[Use]:
    """Every use there is, those that would be hurt first."""
    found = [use for some in uses.collect(row, user) for use in some if use.count]
    return sorted(found, key=lambda use: not use.hurts)


def by_model(table: dict[type[Model], Callable[[Any, User], list[Use]]]) -> Callable[[Model, User], list[Use]]:
    """A fill that asks the function of the row's model; nothing where there is none."""

    def fill(row: Model, user: User) -> list[Use]:
        ask = next((ask for model, ask in table.items() if isinstance(row, model)), None)
        return ask(row, user) if ask else []

    return fill
