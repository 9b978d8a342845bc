"""What belongs to one customer, by statements that are written once: what `prefetch_related_objects` does for any number of
them, which for one takes longer to write its SQL than to read the answer."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, ManyToOneRel, OneToOneRel

from crm.database.prepared import Later, Prepared
from customers.models import Customer


def bring(customer: Customer, needs: Iterable[Any]) -> None:
    """Read the relations of these names that are rows of the customer's, and what those point at ("subscriptions__product").
    Others are left to be prefetched."""
    asked(customer, needs)()


def asked(customer: Customer, needs: Iterable[Any]) -> Later[None]:
    """The same for questions that travel with others: call what comes back to have the rows."""
    there = customer.__dict__.setdefault("_prefetched_objects_cache", {})
    known = [found for need in needs if isinstance(need, str) and (found := _of(need))]
    wanted = [(name, key, question.later(customer.pk)) for name, key, question in known if name not in there]

    def read() -> None:
        for name, key, rows in wanted:
            there[name] = _read(customer, name, key, rows())

    return read


def _read(customer: Customer, name: str, key: str, rows: list[Any]) -> Any:
    for row in rows:
        setattr(row, key, customer)
    told = getattr(customer, name).get_queryset()
    told._result_cache, told._prefetch_done = rows, True
    return told


@cache
def _of(need: str) -> tuple[str, str, Prepared[Any]] | None:
    """The name of the relation, that of its foreign key, and its question."""
    name, _sep, beside = need.partition("__")
    try:
        relation: Any = Customer._meta.get_field(name)
        points = relation.related_model._meta.get_field(beside) if beside else None
    except FieldDoesNotExist:
        return None
    if not isinstance(relation, ManyToOneRel) or isinstance(relation, OneToOneRel):
        return None
    if points is not None and not isinstance(points, ForeignKey):
        return None
    rows, key = relation.related_model._default_manager.all(), relation.field.name
    rows = rows.select_related(beside) if beside else rows
    return name, key, Prepared(lambda pk: rows.filter(**{key: pk}), int)
