import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm import learning
from crm.models import Learned


class Command(BaseCommand):
    """Learn from history now instead of at night (docs/answers.md)."""

    help = "Trains what learns from history now instead of at night, and prints what it learned and how well it did on what was held back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        known = ", ".join(learning.keys())
        parser.add_argument("what", nargs="*", help=f"some of {known} (default: all)")
        parser.add_argument("--due", action="store_true", help="only what the keeper would train now")

    def handle(self, *args: Any, what: list[str], due: bool, **options: Any) -> None:
        if unknown := sorted({*what} - {*learning.keys()}):
            raise CommandError(f"Nothing here learns {', '.join(unknown)}. There are: {', '.join(learning.keys())}.")
        if due:
            os.nice(15)  # nobody is to wait for it
        for key in learning.wanted() if due else what or learning.keys():
            self.stdout.write(f"{key} …")
            self.stdout.flush()
            row = learning.train(key, lambda line: self.stdout.write(f"  {line}"))
            self._tell(key, row)

    def _tell(self, key: str, row: Learned | None) -> None:
        if row is None:
            self.stdout.write(f"{key}: another process is training it now.")
            return
        self.stdout.write("  learned from " + (", ".join(f"{n:,} {name}" for name, n in row.seen.items()) or "nothing"))
        for name, value in row.figures.items():
            self.stdout.write(f"  {name}: {_told(value)}")
        state = f"in use as version {row.pk}" if row.in_use else f"not used: {row.why}"
        self.stdout.write(f"{key}: {state} ({row.took:.1f} s)")


def _told(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
