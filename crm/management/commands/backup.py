"""Everything in one file, while the house works on."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.backup import Refused
from crm.backup.making import PIECE, make


class Command(BaseCommand):
    """One consistent file, complete or absent (docs/backup.md)."""

    help = "Write everything (database, attachments) to FILE, consistent, while Forefront runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--with-secret-key",
            action="store_true",
            help="put SECRET_KEY inside: whoever has the file has every secret",
        )

    def handle(self, *args: Any, file: Path, with_secret_key: bool, **options: Any) -> None:
        try:
            made = make(file.expanduser().absolute(), with_key=with_secret_key)
        except Refused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename or file}: {error.strerror}.") from error
        self.stdout.write(f"{made.path}: {made.size / PIECE:.1f} MB, {made.rows:,} rows, read back and whole.")
        if made.files:
            self.stdout.write(f"{made.files} attachments from outside of the database are inside.")
        if made.missing or made.broken:
            self.stderr.write(
                f"{made.missing} attachments are missing from their storage, {made.broken} are damaged in it."
            )
        if not made.has_key:
            self.stdout.write(
                "SECRET_KEY (or the file secret_key in the data folder) is not inside: keep it apart and safe. Without it the "
                "passwords of mailboxes and the secrets of channels cannot be opened."
            )
