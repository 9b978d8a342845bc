import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import cases.imports
import customers.imports
from crm.importing import FAILED, Import, Line, Report

MOST_SHOWN = 20


class Command(BaseCommand):
    """History from another system, JSON Lines, idempotent by external_id (docs/import.md)."""

    help = "Imports history from FILE (JSON Lines). Times are kept, nothing is sent, a second run changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="import", help="the name of the other system (default: import)")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
        parser.add_argument("--resume", action="store_true", help="go on where an interrupted import of FILE stopped")

    def handle(self, *args: Any, file: Path, source: str, dry_run: bool, resume: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        if not 0 < len(source) <= 40:
            raise CommandError("The name of a source has 1 to 40 characters.")
        self.size, self.shown, self.told_at = file.stat().st_size, 0, time.monotonic()
        self.errors = file.with_name(file.name + ".errors.jsonl")
        kinds = {**customers.imports.KINDS, **cases.imports.KINDS}
        run = Import(file, source, kinds, self._after_batch, cases.imports.finish)
        self._begin_errors(run, resume=resume and not dry_run)
        report = run.rehearse() if dry_run else run.run(resume=resume)
        self._close(report, dry_run=dry_run)

    # --- errors

    def _begin_errors(self, run: Import, *, resume: bool) -> None:
        """A resumed run keeps the errors of the lines that are in, and drops those it will meet again."""
        kept = []
        if resume and self.errors.exists():
            done = run.lines_done()
            entries = [(raw, json.loads(raw)) for raw in self.errors.read_text().splitlines() if raw.endswith("}")]
            kept = [raw for raw, entry in entries if entry["line"] <= done]
        self.errors.write_text("".join(f"{raw}\n" for raw in kept))

    def _after_batch(self, batch: list[Line], report: Report) -> None:
        failed = [line for line in batch if line.outcome == FAILED]
        with self.errors.open("a") as file:
            file.writelines(_entry(line) for line in batch if line.error or line.warning)
        for line in failed[: max(0, MOST_SHOWN - self.shown)]:
            self.stderr.write(f"line {line.number}: {line.error}")
        self.shown += len(failed)
        self._progress(report)

    # --- what a person sees

    def _progress(self, report: Report) -> None:
        """A bar on a terminal; elsewhere a line every five seconds."""
        share = report.offset / self.size if self.size else 1
        told = f"{share:4.0%}  {report.lines} lines, {report.failed} failed"
        if sys.stderr.isatty():
            bar = "#" * round(30 * share)
            sys.stderr.write(f"\r[{bar:<30}] {told}")
        elif time.monotonic() - self.told_at > 5:
            self.stderr.write(told)
            self.told_at = time.monotonic()

    def _close(self, report: Report, *, dry_run: bool) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
        if dry_run:
            self.stdout.write("Nothing was changed. This is what would happen:")
        for kind, counts in sorted(report.counts.items()):
            told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
            self.stdout.write(f"{kind}: {told}")
        if report.warnings:
            self.stdout.write(f"{report.warnings} lines came in but for an address: see {self.errors}.")
        if not report.failed:
            if not self.errors.stat().st_size:
                self.errors.unlink()
            return
        more = f" ({self.shown - MOST_SHOWN} more there)" if self.shown > MOST_SHOWN else ""
        self.stderr.write(f"{report.failed} lines failed. What to do with each is in {self.errors}{more}.")
        sys.exit(1)


def _entry(line: Line) -> str:
    said = {"error": line.error} if line.error else {"warning": line.warning}
    entry = {"line": line.number, "type": line.type, "external_id": line.external_id, **said}
    return json.dumps(entry, ensure_ascii=False) + "\n"
