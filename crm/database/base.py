"""Django's PostgreSQL backend, which starts the embedded server when there is one, and names the versions we run on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from functools import cache
from typing import Any

import psycopg
from django.db.backends.postgresql import base, client, features, operations
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from django.db.utils import NotSupportedError
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.numeric import Int8

from crm import embedded
from crm.embedded import server


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = (15,)


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the psql that came with the embedded server."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        args, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        if var := settings_dict.get("EMBEDDED"):
            args[0] = server.program(embedded.join(var).place, "psql")
        return args, environment


MOST_KEPT = 400  # statements a connection keeps; psycopg's hundred would push out what is asked again at once


class KeptCursor(psycopg.Cursor[Any]):
    """Its statements stay with the server, read and planned, for as long as the connection lives: only values travel."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        """Django switches preparing off, and off it stays for all else: psycopg would remember each statement it is not
        to prepare, with the mail that is written into it. Whole numbers go as bigint whatever their size: psycopg would
        else name the smallest type that holds each, and every mixture of those would be read and planned by itself."""
        self.connection.prepare_threshold = 0
        try:
            return super().execute(query, _wide(params), prepare=True, **how)
        finally:
            self.connection.prepare_threshold = None


@cache
def adapters(timezone: tzinfo | None) -> psycopg.adapt.AdaptersMap:
    """How values are read: as Django has it, but for times. Django reads each by a regular expression, to put its own zone on
    it; psycopg's loader (compiled, where it is) takes the connection's zone, which Django makes the same one. That is 0.15 µs a
    time for 3.8, and a list of fifty rows has six hundred of them."""
    made = psycopg.adapt.AdaptersMap(get_adapters_template(True, timezone))
    made.register_loader("timestamptz", TimestamptzLoader)
    return made


def _wide(value: Any) -> Any:
    """The same with its whole numbers as bigint."""
    kind = type(value)
    if kind is int:
        return Int8(value) if -_MOST <= value < _MOST else value
    if kind is list or kind is tuple:
        return kind(map(_wide, value))
    return {name: _wide(each) for name, each in value.items()} if kind is dict else value


_MOST = 1 << 63


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        """With its values, as of every other cursor."""
        if isinstance(cursor, KeptCursor):
            return str(self.compose_sql(sql, params))
        return super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects as Django does. With `EMBEDDED` in its settings the first connection starts or joins that server."""

    features_class = DatabaseFeatures
    client_class = DatabaseClient
    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        return super().get_connection_params() | {"context": adapters(self.timezone)}

    def create_cursor(self, name: str | None = None) -> Any:
        """As Django's, which would look whether the loader of times is its own."""
        if not name:
            return self.connection.cursor()
        how: dict[str, Any] = {"name": name, "scrollable": False, "withhold": self.connection.autocommit}
        return base.ServerSideCursor(self.connection, **how)  # type: ignore[call-arg]  # as Django's own `create_cursor` does

    def kept_cursor(self) -> Any:
        """As `cursor`, for statements whose text is always the same (crm.database.prepared.kept)."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        self.connection.prepared_max = MOST_KEPT
        with self.wrap_database_errors:
            cursor = KeptCursor(self.connection)
        return self._prepare_cursor(cursor)  # type: ignore[attr-defined]  # as Django's own `cursor` does

    @contextmanager
    def together(self) -> Iterator[None]:
        """Statements of kept cursors within are sent without waiting for what those before them say; where they begin a
        transaction, the BEGIN too, on whose answer psycopg would wait."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        held = self.connection
        with self.wrap_database_errors, held.pipeline() as pipeline:
            if not held.autocommit and held.info.transaction_status == TransactionStatus.IDLE:
                held.pgconn.send_query_params(b"BEGIN", None)
                pipeline.result_queue.append(None)
            yield

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        var = self.settings_dict.get("EMBEDDED")
        if not var:
            return super().get_new_connection(conn_params)
        embedded.join(var)
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            if not embedded.revive(var):
                raise
            return super().get_new_connection(conn_params)

    def check_database_version_supported(self) -> None:
        try:
            super().check_database_version_supported()
        except NotSupportedError as error:
            raise NotSupportedError(
                f"Forefront runs on PostgreSQL 15 or newer; this server is {'.'.join(map(str, self.get_database_version()))}. "
                "Upgrade it, or leave DATABASE_URL empty to use the embedded one."
            ) from error
