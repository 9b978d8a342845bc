"""History from elsewhere: JSON Lines in batches, each batch one transaction that carries its own cursor.

Apps bring the kinds (`customers/imports.py`, `cases/imports.py`); this module reads, isolates bad lines and resumes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from crm import bulk, field_errors, strict_json
from crm.models import ImportRun

BATCH = 1000
LONGEST_LINE = 8 * 1024 * 1024
CREATED, UPDATED, UNCHANGED, FAILED = "created", "updated", "unchanged", "failed"


@dataclass
class Line:
    """One line of the file: what it holds, and what became of it."""

    number: int
    end: int
    type: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    error: str = ""
    doubt: str = ""  # what of it was not understood, found while reading
    warning: str = ""  # it came in, but for this, found while loading
    about: Any = None  # what the loader made or touched, for `finish`

    def fail(self, error: str) -> None:
        self.outcome, self.error = FAILED, error

    @property
    def doubts(self) -> str:
        """All the warnings; a line that failed has an error instead."""
        return " ".join(filter(None, [self.doubt, self.warning])) if self.outcome != FAILED else ""

    @property
    def external_id(self) -> str:
        return str(self.data.get("external_id", ""))


@dataclass(frozen=True)
class Kind:
    """How lines of one type come in: their shape, and what loads many of them, setting each line's outcome."""

    shape: type[serializers.Serializer[Any]]
    load: Callable[[list[Line], str], None]


@dataclass
class Report:
    """What an import did so far: counts by type and outcome, and its errors as they come."""

    lines: int = 0
    offset: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    warnings: int = 0

    @property
    def failed(self) -> int:
        return sum(c[FAILED] for c in self.counts.values())

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.counts.setdefault(line.type or "?", Counter())[line.outcome] += 1
            self.warnings += bool(line.doubts)
            self.lines, self.offset = line.number, line.end


def digest_of(path: Path, source: str) -> str:
    """What names an import: the same content under the same source name is the same import."""
    digest = hashlib.sha256(source.encode() + b"\0")
    with path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()


@dataclass
class Import:
    """One run over one file. `on_batch` is told after each batch: the lines of it, and the report so far."""

    path: Path
    source: str
    kinds: dict[str, Kind]
    on_batch: Callable[[list[Line], Report], None]
    # Called inside each batch's transaction once its lines are in.
    finish: Callable[[list[Line]], None] = lambda lines: None
    # Called last in it, perhaps twice for a batch: what went wrong must be told before the cursor passes over it.
    before_commit: Callable[[list[Line]], None] = lambda lines: None
    # One form a type for all its lines: to make one costs more than to ask it.
    _forms: dict[str, serializers.Serializer[Any]] = field(default_factory=dict)

    def run(self, *, resume: bool = False) -> Report:
        """Bring everything in that can be, batch by batch, each with its cursor. Never stops at a bad line."""
        run = self._begun(resume)
        report = Report(run.line, run.offset, {t: Counter(c) for t, c in run.counts.items()})
        for number, batch in enumerate(self._batches(report), 1):
            self._load(batch, lambda: self._remember(run, report, batch))  # noqa: B023 - called at once
            self.on_batch(batch, report)
            _take_stock(number)
        ImportRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
        return report

    def rehearse(self) -> Report:
        """Do everything in one transaction and undo it: what would happen, without anything having happened."""
        report = Report()
        with transaction.atomic():
            for number, batch in enumerate(self._batches(report), 1):
                self._load(batch, lambda: report.add(batch))  # noqa: B023 - called at once
                self.on_batch(batch, report)
                _take_stock(number)
            transaction.set_rollback(True)
        return report

    def lines_done(self) -> int:
        """How many lines an earlier run of this import brought in."""
        return (
            ImportRun.objects.filter(digest=digest_of(self.path, self.source)).values_list("line", flat=True).first()
            or 0
        )

    def _begun(self, resume: bool) -> ImportRun:
        digest = digest_of(self.path, self.source)
        run, _fresh = ImportRun.objects.get_or_create(digest=digest, defaults={"source": self.source})
        if not resume:
            run.line = run.offset = 0
            run.counts, run.started_at, run.finished_at = {}, timezone.now(), None
            run.save()
        return run

    def _remember(self, run: ImportRun, report: Report, batch: list[Line]) -> None:
        report.add(batch)
        run.line, run.offset, run.counts = report.lines, report.offset, {t: dict(c) for t, c in report.counts.items()}
        run.save(update_fields=["line", "offset", "counts"])

    # --- a batch

    def _load(self, batch: list[Line], remember: Callable[[], None]) -> None:
        """All lines at once; if the database refuses something, part by part, so that only the bad lines stay out."""
        try:
            with transaction.atomic():
                self._load_groups(batch)
                self.before_commit(batch)
                remember()
        except DatabaseError:
            with transaction.atomic():
                self._load_parts([line for line in batch if line.data])
                self.before_commit(batch)
                remember()

    def _load_groups(self, batch: list[Line]) -> None:
        """Kind by kind, in the order of `kinds`: what others point at comes first."""
        good = [line for line in batch if line.data]
        for name, kind in self.kinds.items():
            for lines in _without_repeats([line for line in good if line.type == name]):
                kind.load(lines, self.source)
        self.finish([line for line in good if line.outcome != FAILED])

    def _load_parts(self, lines: list[Line]) -> None:
        """These lines together, or what is refused in halves, until each bad line stands alone."""
        for line in lines:
            line.outcome, line.error, line.warning, line.about = "", "", "", None
        try:
            with transaction.atomic():
                self._load_groups(lines)
        except DatabaseError as error:
            if not _is_of_the_line(error):
                raise
            if len(lines) == 1:
                lines[0].fail(_("The database refused it: %(why)s") % {"why": str(error).splitlines()[0][:300]})
            else:
                self._load_parts(lines[: len(lines) // 2])
                self._load_parts(lines[len(lines) // 2 :])

    # --- reading

    def _batches(self, report: Report) -> Iterator[list[Line]]:
        with self.path.open("rb") as file:
            file.seek(report.offset)
            batch: list[Line] = []
            for line in self._lines(file, report.lines):
                batch.append(line)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch

    def _lines(self, file: BinaryIO, number: int) -> Iterator[Line]:
        while raw := file.readline(LONGEST_LINE):
            number += 1
            whole = raw.endswith(b"\n") or len(raw) < LONGEST_LINE
            while not whole and (rest := file.readline(LONGEST_LINE)):
                whole, raw = rest.endswith(b"\n"), b""
            yield self._parsed(raw, Line(number, file.tell()))

    def _parsed(self, raw: bytes, line: Line) -> Line:
        if not raw:
            line.fail(_("The line is longer than 8 MB: split it."))
            return line
        if not raw.strip():
            line.type, line.outcome = "empty", UNCHANGED
            return line
        try:
            data = strict_json.loads(raw.removeprefix(b"\xef\xbb\xbf"))
        except ValueError as error:
            line.fail(_not_utf8(raw) or str(error))
            return line
        return self._shaped(data, line)

    def _shaped(self, data: Any, line: Line) -> Line:
        kind = self.kinds.get(str(data.get("type"))) if isinstance(data, dict) else None
        if kind is None:
            known = ", ".join(sorted(self.kinds))
            line.fail(_('Each line is a JSON object with a "type": one of %(known)s.') % {"known": known})
            return line
        line.type = data["type"]
        if line.type not in self._forms:
            self._forms[line.type] = kind.shape(context={"unzoned": []})
        form = self._forms[line.type]
        unzoned: list[str] = form.context["unzoned"]
        unzoned.clear()
        try:
            line.data = form.run_validation(data)
        except serializers.ValidationError as error:
            wrong = field_errors.flat(error.detail, "", form, data)
            line.fail(" ".join(f"{e['field']}: {e['message']}".removeprefix(": ") for e in wrong))
        else:
            line.doubt = " ".join(_doubts(field_errors.unknown(form, {**data, "type": ""}), unzoned))
        return line


def _take_stock(number: int) -> None:
    """Let the database count its rows each time they have about doubled: until it knows that a table has grown it goes
    through all of it for each batch, and its own round comes late or, within one transaction, never."""
    if number > 1 and number.bit_count() == 1:
        ours = connection.introspection.django_table_names(only_existing=True, include_views=False)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE " + ", ".join(map(connection.ops.quote_name, ours)))


def _without_repeats(lines: list[Line]) -> Iterator[list[Line]]:
    """Split where an external_id comes again: a loader finds the earlier line in the database."""
    chunk: list[Line] = []
    seen: set[str] = set()
    for line in lines:
        if line.external_id and line.external_id in seen:
            yield chunk
            chunk, seen = [], set()
        chunk.append(line)
        seen.add(line.external_id)
    if chunk:
        yield chunk


def _not_utf8(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        told = _("Byte %(n)d is not UTF-8. Convert the file first: iconv -f latin1 -t utf-8 FILE > NEW")
        return told % {"n": error.start + 1}
    return ""


def _doubts(unknown: list[str], unzoned: list[str]) -> Iterator[str]:
    """What came in, but perhaps not as it was meant."""
    if names := ", ".join(n[:60] for n in unknown if n != "type")[:300]:
        yield _("Not known here, and left out: %(names)s.") % {"names": names}
    if unzoned:
        yield _("Without a zone, and taken as UTC: %(names)s.") % {"names": ", ".join(unzoned)}


def _is_of_the_line(error: DatabaseError) -> bool:
    """Is it the line's data the database refuses, and not its own state (a lost connection, a missing column)?"""
    state = str(getattr(error.__cause__, "sqlstate", None) or "")
    return isinstance(error, (DataError, IntegrityError)) or state[:2] in {"54", "P0"}  # too large; a trigger's refusal


# --- what loaders share


def _differing(row: Any, wanted: dict[str, Any]) -> set[str]:
    """The names of the columns that are not as wanted. What a row points at is told by its key, without reading it."""
    return {name for name, value in wanted.items() if _held(row, name) != getattr(value, "pk", value)}


def _held(row: Any, name: str) -> Any:
    return getattr(row, row._meta.get_field(name).attname)


def store(lines: list[tuple[Line, dict[str, Any]]], model: Any, source: str) -> dict[str, Any]:
    """Create or update rows by (source, external_id) from the columns given for each line; returns them by external_id."""
    ids = [line.external_id for line, _columns in lines]
    known = {r.external_id: r for r in model.objects.filter(source=source, external_id__in=ids)}
    fresh, changed = [], []
    fields: set[str] = set()
    for line, columns in lines:
        row = known.get(line.external_id)
        if row is None:
            fresh.append(model(source=source, external_id=line.external_id, **columns))
            line.outcome = CREATED
        elif not (differing := _differing(row, columns)):
            line.outcome = UNCHANGED
        else:
            line.outcome = UPDATED
            fields |= differing
            for name, value in columns.items():
                setattr(row, name, value)
            changed.append(row)
    bulk.insert(fresh)
    if changed:
        model.objects.bulk_update(changed, sorted(fields))
    return known | {r.external_id: r for r in fresh}


def by_external_id(model: Any, source: str, ids: Iterable[str | None]) -> dict[str, Any]:
    """The rows of these external ids, found in one query."""
    wanted = {i for i in ids if i}
    return {r.external_id: r for r in model.objects.filter(source=source, external_id__in=wanted)} if wanted else {}


def missing(line: Line, what: object, name: str) -> None:
    """Fail a line whose reference nobody knows."""
    line.fail(
        _("There is no %(what)s %(name)s: its line must come before this one, or be imported already with this source.")
        % {"what": what, "name": name}
    )
