"""Django's PostgreSQL backend, which starts the embedded server when there is one, and names the versions we run on."""

from collections.abc import Iterable
from typing import Any

import psycopg
from django.db.backends.postgresql import base, client, features
from django.db.utils import NotSupportedError

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


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects as Django does. With `EMBEDDED` in its settings the first connection starts or joins that server."""

    features_class = DatabaseFeatures
    client_class = DatabaseClient

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
