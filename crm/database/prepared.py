"""Questions that are asked all day, put together once.

Django takes several times as long to write a statement as PostgreSQL takes to answer it, and PostgreSQL longer to read
and plan it than to carry it out. Where the same question is asked of every contact that arrives, or at every request, its
SQL is written the first time and kept, here and by the server; each time only the values change, and the answer is read as Django reads
it, related rows included.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")
Later = Callable[[], T]  # what was asked already, to be read when it is needed


def kept() -> AbstractContextManager[Any]:
    """A cursor for SQL of our own whose text never changes. Its values are bound by the server: where it cannot tell
    what a value is from where it stands, the text says so (`%s::bigint`)."""
    return connection.kept_cursor()  # type: ignore[attr-defined, no-any-return]  # crm.database.base


def together() -> AbstractContextManager[None]:
    """Questions asked within (`later`, `sent`) travel in one go, though each is answered after the one before it and sees
    what that left. Their answers are there when the `with` ends; with what one of them fails, it ends. Read none within:
    that would wait for it."""
    return connection.together()  # type: ignore[attr-defined, no-any-return]  # crm.database.base


def sent(sql: str, params: Any) -> "Later[list[tuple[Any, ...]]]":
    """Ask by SQL of our own whose text never changes; call what comes back for the rows."""
    cursor: Any = kept()
    cursor.execute(sql, params)

    def rows() -> list[tuple[Any, ...]]:
        with cursor:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    return rows


def planned_once() -> None:
    """For the rest of this transaction: what is kept is planned when a connection first asks it, for whatever values. Else the
    server plans it five times for the values at hand before it looks whether that pays, which is lost where rows are found
    by their keys."""
    sent("SET LOCAL plan_cache_mode = force_generic_plan", None)


def keys(ids: Sequence[int]) -> RawSQL:
    """Ids as one value: `filter(case__in=keys(ids))` is the same statement however many they are."""
    return RawSQL("SELECT unnest(%s::bigint[])", [ids])


# What stands for a value while the statement is written: nobody has it, and each is another one.
_STANDS_FOR: dict[type, Callable[[int], Any]] = {
    int: lambda n: 9_223_372_036_854_775_000 + n,
    str: lambda n: f"\ue000 value {n}",
    list: lambda n: [9_223_372_036_854_775_000 + n],  # of ids; it comes in as an array (`keys`)
    UUID: lambda n: UUID(int=n),
    datetime: lambda n: datetime(1000 + n, 7, 1, tzinfo=UTC),
}
_RECKONED = timedelta(days=90)  # how far from its value a time in a statement may be


@dataclass(frozen=True)
class _Statement:
    sql: str
    params: Sequence[Any]
    places: Sequence[tuple[int, int, timedelta | None]]  # (place among the parameters, which value, so long after it)
    converters: Sequence[tuple[int, Sequence[Callable[..., Any]], Any]]

    def later(self, values: Sequence[Any]) -> "Later[Iterator[list[Any]]]":
        """With these values, each column as Django reads it."""
        params = list(self.params)
        for place, which, after in self.places:
            params[place] = values[which] + after if after else values[which]
        asked = sent(self.sql, params)
        return lambda: self._converted(asked())

    def _converted(self, found: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
        converted = [(place, step, of) for place, steps, of in self.converters for step in steps]
        for row in map(list, found):
            for place, step, of in converted:
                row[place] = step(row[place], of, connection)
            yield row


@dataclass(frozen=True)
class _Shape(Generic[M]):
    """Where in a row the model's own columns are, and what comes beside them."""

    model: type[M]
    fields: Sequence[str]
    begin: int  # of the model's own columns in a row
    end: int
    annotations: Sequence[tuple[str, int]]
    related: Sequence[Any]

    def made(self, row: list[Any], alias: str) -> M:
        made = self.model.from_db(alias, self.fields, row[self.begin : self.end])
        for name, place in self.annotations:
            setattr(made, name, row[place])
        for populator in self.related:
            populator.populate(row, made)
        return made


class Prepared(Generic[M]):
    """`ask` makes the queryset from values of `kinds`, in that order; call it with such values for the rows. It may not
    reason about its values (an empty list, None): they are others each time. From a time it may reckon another."""

    def __init__(self, ask: Callable[..., "models.QuerySet[M, M]"], *kinds: type) -> None:
        self._ask, self._kinds = ask, kinds
        self._known: tuple[_Statement, _Shape[M]] | None = None

    def __call__(self, *values: Any) -> list[M]:
        return self.later(*values)()

    def later(self, *values: Any) -> Later[list[M]]:
        """Ask now and read the rows by calling what comes back: so that several travel `together`."""
        said, shape = self._known = self._known or self._written()
        asked, alias = said.later(values), connection.alias
        return lambda: [shape.made(row, alias) for row in asked()]

    def first(self, *values: Any) -> M | None:
        return next(iter(self(*values)), None)

    def _written(self) -> tuple[_Statement, _Shape[M]]:
        asked, writer, said = _written(self._ask, self._kinds)
        columns = writer.klass_info["select_fields"]
        named = [writer.select[column][0].target.attname for column in columns]
        # The stub has what this takes in a later Django.
        related = get_related_populators(writer.klass_info, writer.select, asked.db)  # type: ignore[call-arg]
        besides = list(writer.annotation_col_map.items())
        return said, _Shape(asked.model, named, columns[0], columns[-1] + 1, besides, related)


class PreparedRows:
    """The same for a `values_list`, or several in one (`union`): tuples."""

    def __init__(self, ask: Callable[..., "models.QuerySet[Any, Any]"], *kinds: type) -> None:
        self._ask, self._kinds = ask, kinds
        self._known: _Statement | None = None

    def __call__(self, *values: Any) -> list[tuple[Any, ...]]:
        return self.later(*values)()

    def later(self, *values: Any) -> Later[list[tuple[Any, ...]]]:
        """As of Prepared."""
        said = self._known = self._known or _written(self._ask, self._kinds)[2]
        asked = said.later(values)
        return lambda: [tuple(row) for row in asked()]


def _written(ask: Callable[..., Any], kinds: Sequence[type]) -> tuple["models.QuerySet[Any, Any]", Any, _Statement]:
    """The question with what stands for its values, what wrote it, and the statement."""
    stand_ins = [_STANDS_FOR[kind](n) for n, kind in enumerate(kinds)]
    asked = ask(*stand_ins)
    writer = asked.query.get_compiler(connection=connection)
    sql, params = writer.as_sql()
    places = [(place, *found) for place, value in enumerate(params) for found in _stood_for(value, stand_ins)]
    if {which for _place, which, _after in places} != set(range(len(stand_ins))):
        raise ValueError("Each value of a prepared question must come into its statement as it is.")
    converted = writer.get_converters([column[0] for column in writer.select])
    converters = [(place, steps, of) for place, (steps, of) in converted.items()]
    return asked, writer, _Statement(sql, params, places, converters)


def _stood_for(value: Any, stand_ins: Sequence[Any]) -> Iterator[tuple[int, timedelta | None]]:
    """Which value stands there, and how long after it."""
    for which, stand_in in enumerate(stand_ins):
        if value == stand_in:
            yield which, None
        elif isinstance(value, datetime) and isinstance(stand_in, datetime) and abs(value - stand_in) < _RECKONED:
            yield which, value - stand_in
