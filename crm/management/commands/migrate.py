"""Django's migrate, as the owner of the schema, one at a time, and with the application's rights renewed afterwards."""

from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connection

from crm.database import ownership


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] != DEFAULT_DB_ALIAS:
            super().handle(*args, **options)
            return
        with ownership.as_owner() as app, ownership.alone():
            super().handle(*args, **options)
            if app and "crm_event" in connection.introspection.table_names():
                ownership.grant(app)
