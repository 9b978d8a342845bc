"""A backup brought back."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from crm.backup import Refused
from crm.backup.restoring import restore


class Command(BaseCommand):
    """All of a backup or nothing (docs/backup.md)."""

    help = "Bring the backup FILE back into an empty database, or with --replace instead of what is there."
    requires_system_checks: list[str] = []  # the database may be empty

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="in the place of everything this database holds")
        parser.add_argument("--without-key", action="store_true", help="go on though the backup's SECRET_KEY is lost")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, file: Path, replace: bool, without_key: bool, yes: bool, **options: Any) -> None:
        if replace and not yes and sys.stdin.isatty():
            self.ask()
        try:
            done = restore(file.expanduser().absolute(), replace=replace, without_key=without_key)
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored to {done.made_at}: {done.rows:,} rows, every table as it was saved.")
        if done.files:
            self.stdout.write(f"{done.files} attachments are in their storage again.")
        if done.key_written:
            self.stdout.write(f"The backup's SECRET_KEY is in {done.key_written}; the one before is beside it.")
        self.stdout.write(
            "What was about to be sent then is marked “unknown: may have arrived”; send it again by hand."
        )

    def ask(self) -> None:
        name = connection.settings_dict["NAME"]
        self.stdout.write(f"Everything in the database {name} is replaced. Write its name to go on: ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip() != name:
            raise CommandError("Nothing was changed.")
