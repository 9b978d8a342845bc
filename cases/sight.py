"""What somebody may see, where it is asked all day. For a member of queues the question is written once (crm.database.prepared):
their rights are read within it, by their key. For executives and administrators, whose rights give it another shape, it is
written anew."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from crm.database.prepared import Prepared, PreparedRows
from crm.models import User

M = TypeVar("M", bound=Model)


class Sight(Generic[M]):
    """`ask` makes the queryset from somebody and values of `kinds`; of a member it may use no more than the key. Call it with
    them for the rows."""

    def __init__(self, ask: Callable[..., "QuerySet[M, M]"], *kinds: type) -> None:
        self._ask = ask
        self._members = Prepared[M](lambda user, *values: ask(User(pk=user), *values), int, *kinds)

    def __call__(self, user: User, *values: Any) -> list[M]:
        return self._members(user.pk, *values) if user.is_member else list(self._ask(user, *values))

    def first(self, user: User, *values: Any) -> M | None:
        return next(iter(self(user, *values)), None)


class SightRows:
    """The same for tuples (`values_list`)."""

    def __init__(self, ask: Callable[..., "QuerySet[Any, Any]"], *kinds: type) -> None:
        self._ask = ask
        self._members = PreparedRows(lambda user, *values: ask(User(pk=user), *values), int, *kinds)

    def __call__(self, user: User, *values: Any) -> list[tuple[Any, ...]]:
        return self._members(user.pk, *values) if user.is_member else list(self._ask(user, *values))
