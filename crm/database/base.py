"""Django's PostgreSQL backend, which starts the embedded server when there is one, and names the versions we run on."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base, features
from django.db.utils import NotSupportedError

from crm import embedded


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = (15,)


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects as Django does. With `EMBEDDED` in its settings the first connection starts or joins that server."""

    features_class = DatabaseFeatures

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
