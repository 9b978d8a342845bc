import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases import intake
from cases.mail import arriving, child
from cases.mail.mailfiles import mails
from cases.mail.parsed import ParsedMail
from cases.models import InboundItem, Queue
from crm.management.first_run import ensure_queue

TRIES = 3  # of one mail, where something passing is in its way


class Command(BaseCommand):
    """Raw mail from files, by the very way a mailbox's mail takes (docs/mail.md)."""

    help = (
        "Takes in mail from files: single mails, mbox, Maildir, folders of them. A repeat changes nothing, a bad mail "
        "stops nothing. Exits with 1 if a file could not be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="+", type=Path, help="a mail, an mbox, a Maildir, or a folder of .eml and .mbox"
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a mail")
        parser.add_argument("--queue", help="the queue new cases are opened in, by name or id")

    def handle(self, *args: Any, file: list[Path], as_json: bool, queue: str | None, **options: Any) -> None:
        ensure_queue()
        meant_for = _queue(queue) if queue else None
        counts: Counter[str] = Counter()
        for path in file:
            for told in self._each(path, meant_for):
                counts[told["status"]] += 1
                self.stdout.write(json.dumps(told, ensure_ascii=False) if as_json else _line(told))
        if not as_json:
            self.stdout.write(", ".join(f"{n} {status}" for status, n in sorted(counts.items())) or "no mail")
        if counts["unreadable"]:
            sys.exit(1)

    def _each(self, path: Path, queue: Queue | None) -> Iterator[dict[str, Any]]:
        try:
            for name, n, raw in mails(path):
                yield {"file": name, "n": n, **_taken(raw, queue)}
        except OSError as error:
            self.stderr.write(f"{path}: {error.strerror or error}")
            yield {"file": str(path), "n": 0, **_told("unreadable", None, None, error.strerror or "unreadable")}


def _queue(wanted: str) -> Queue:
    found = Queue.objects.filter(name__iexact=wanted).first()
    if found is None and wanted.isdecimal() and len(wanted) < 18:
        found = Queue.objects.filter(pk=int(wanted)).first()
    if found is None:
        names = ", ".join(Queue.objects.values_list("name", flat=True))
        raise CommandError(f"There is no queue {wanted!r}. There are: {names}.")
    return found


def _taken(raw: bytes, queue: Queue | None) -> dict[str, Any]:
    """Store one mail, put it where it belongs, and tell what became of it."""
    item, fresh = arriving.store(raw, queue=queue)
    mail = _parsed(raw)
    tries = 0
    while item.state == InboundItem.State.STORED and tries < TRIES:
        tries += 1
        intake.process(item.pk, mail=mail)
        item.refresh_from_db(fields=["state", "message", "error"])
    return _told(_status(item, fresh or tries > 0), item, mail, item.error)


def _parsed(raw: bytes) -> ParsedMail | None:
    try:
        return child.parse(raw)
    except child.Unparsable:
        return None


def _status(item: InboundItem, worked: bool) -> str:
    """created or appended as the case itself has it: another process may have been quicker than we."""
    if item.state != InboundItem.State.DONE or item.message is None:
        return item.state
    if not worked:
        return "duplicate"
    earlier = item.message.case.messages.filter(pk__lt=item.message.pk)
    return "appended" if earlier.exists() else "created"


def _told(status: str, item: InboundItem | None, mail: ParsedMail | None, error: str) -> dict[str, Any]:
    case = item.message.case.number if item and item.message else None
    return {"status": status, "case": case, **_fields(mail), "error": error or None}


def _fields(mail: ParsedMail | None) -> dict[str, Any]:
    """What was read. `auto`: a machine answers, or a mail came back; `kind` is the word for what it is."""
    if mail is None:
        texts = dict.fromkeys(["message_id", "from_email", "from_name", "subject", "text", "new_text", "html"])
        return {**texts, "attachments": [], "auto": False, "kind": ""}
    files = [{"name": f.name, "type": f.content_type, "size": len(f.data)} for f in mail.files]
    return {
        "message_id": mail.message_id,
        "from_email": mail.sender.email,
        "from_name": mail.sender.name,
        "subject": mail.subject,
        "text": mail.text,
        "new_text": mail.new_text,
        "html": mail.html,
        "attachments": files,
        "auto": mail.auto in arriving.ANSWERS_OF_MACHINES,
        "kind": mail.auto,
    }


def _line(told: dict[str, Any]) -> str:
    """For a person: where it came from, what became of it, what it is about."""
    where = told["file"] if not told["n"] else f"{told['file']} [{told['n']}]"
    became = f"{told['status']} #{told['case']}" if told["case"] else told["status"]
    why = f" ({told['error']})" if told["error"] else ""
    return f"{where}: {became}{why}: {told['from_email'] or '?'}: {told['subject'] or '(no subject)'}"
