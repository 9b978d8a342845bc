import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

import cases.imports
import cases.playbook_imports
import cases.policy_imports
import customers.imports
import outreach.imports
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
        _look_at(file)
        self.size, self.shown, self.told_at = file.stat().st_size, 0, time.monotonic()
        self.errors = file.with_name(file.name + ".errors.jsonl")
        kinds = {**customers.imports.KINDS, **cases.imports.KINDS, **cases.playbook_imports.KINDS}
        kinds |= cases.policy_imports.KINDS | outreach.imports.KINDS
        run = Import(file, source, kinds, self._after_batch, cases.imports.finish, self._keep_errors)
        self._begin_errors(run, resume=resume and not dry_run)
        try:
            report = run.rehearse() if dry_run else run.run(resume=resume)
        except DatabaseError as error:
            why = str(error).splitlines()[0]
            raise CommandError(f"The database failed: {why}. What is in stays in; go on with --resume.") from error
        self._close(report, dry_run=dry_run)

    # --- errors

    def _begin_errors(self, run: Import, *, resume: bool) -> None:
        """A resumed run keeps the errors of the lines that are in, and drops those it will meet again."""
        kept = []
        if resume and self.errors.exists():
            done = run.lines_done()
            kept = [raw for raw in self.errors.read_text(errors="replace").splitlines() if _line_of(raw) <= done]
        self.errors.write_text("".join(f"{raw}\n" for raw in kept))
        self.kept = self.errors.stat().st_size

    def _keep_errors(self, batch: list[Line]) -> None:
        """Before the batch is committed: a kill in between leaves errors of lines that a resumed run meets again, and
        drops; after it, their errors would be lost. A batch that is tried again writes over its first try."""
        with self.errors.open("r+b") as file:
            file.truncate(self.kept)
            file.seek(self.kept)
            file.writelines(_entry(line).encode() for line in batch if line.error or line.doubts)

    def _after_batch(self, batch: list[Line], report: Report) -> None:
        failed = [line for line in batch if line.outcome == FAILED]
        self.kept = self.errors.stat().st_size
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
            self.stdout.write(f"{report.warnings} lines came in with a warning: see {self.errors}.")
        if not report.failed:
            if not self.errors.stat().st_size:
                self.errors.unlink()
            return
        told = "1 line" if report.failed == 1 else f"{report.failed} lines"
        more = f" ({self.shown - MOST_SHOWN} more there)" if self.shown > MOST_SHOWN else ""
        self.stderr.write(f"{told} failed. What to do with each is in {self.errors}{more}.")
        sys.exit(1)


def _look_at(file: Path) -> None:
    """Files of another form altogether are refused at once, not once a line."""
    with file.open("rb") as opened:
        start = opened.read(64)
    jsonl = "one JSON object a line (docs/import.md)"
    if file.suffix.lower() in {".csv", ".tsv", ".xlsx"}:
        raise CommandError(f"{file.name} is a table. An import takes {jsonl}.")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CommandError(f"{file.name} is UTF-16. Convert it first: iconv -f utf-16 -t utf-8 {file.name} > NEW")
    if start.lstrip(b"\xef\xbb\xbf \r\n\t") in {b"[", b"[{"} or start.lstrip().startswith((b"[\n", b"[{", b"[\r")):
        raise CommandError(f"{file.name} is one JSON list. An import takes {jsonl}: jq -c '.[]' {file.name} > NEW")


def _line_of(raw: str) -> float:
    """The number of the line an entry is about; beyond all where a kill cut the entry short."""
    try:
        return int(json.loads(raw)["line"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def _entry(line: Line) -> str:
    said = {"error": line.error} if line.error else {"warning": line.doubts}
    entry = {"line": line.number, "type": line.type, "external_id": line.external_id, **said}
    return json.dumps(entry, ensure_ascii=False) + "\n"
