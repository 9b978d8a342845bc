"""The catalogues of our languages, without any tool of the system: `python -m tests.catalogues` reads every sentence of
the sources into locale/*/LC_MESSAGES/django.po, keeps what is translated, and compiles the .mo beside it."""

import ast
import json
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de", "es")
APPS = ("cases", "crm", "customers", "outreach", "templates")
# What only programs, operators and the two admins read stays English.
ENGLISH = re.compile(
    r"/(?!admin/(?:filters|mailboxes|people)\.py)(api|management|migrations|demo|admin\w*|channels|live|database)/|(api|admin|admin_forms|imports?|importing|shapes"
    r"|rest|doctor|checks|environment|settings|strict_json|times|field_errors|tokens|comparisons|operands|conditions|business_hours|inbound"
    r"|admin_sites|learned_cards|settings_admin|admin_(configuration|history|learned|segments|uses)|cases/uses|customers/(catalogue|house_hooks|looking)|outreach/house_hooks|crm/configuring|rule_faults|policy/shape|policy_imports|rules/(catalogue|doing|looking|reach)|roles|sla|sla_actions|days_off|escalation|channel)\.py$|admin_(answers|configuration|effect|history|kept|macro|parity|policy|rule\w*|secret|sure|tag_effect|uses)|api_docs"
)
CUSTOMERS_READ = (
    "cases/compose.py",
    "cases/compose_acknowledgement.py",
    "cases/contact_form.py",
    "cases/status_form.py",
    "cases/survey.py",
    "cases/views/public.py",
    "cases/views/status.py",
    "crm/views.py",
    "customers/addresses.py",
    "customers/consent.py",
    "customers/models/consent.py",
    "outreach/wording.py",
    "templates/cases/_survey.html",
    "templates/cases/contact.html",
    "templates/cases/contact_thanks.html",
    "templates/cases/status.html",
    "templates/cases/status_gone.html",
    "templates/crm/error.html",
    "templates/customers/preferences.html",
    "templates/customers/unsubscribe.html",
    "templates/public.html",
)
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
_QUOTED = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_IN_TEMPLATE = re.compile(rf"\b(?:_|n?gettext)\(\s*{_QUOTED}(?:\s*,\s*{_QUOTED})?", re.DOTALL)
HEADER = (
    "Project-Id-Version: Forefront\nLanguage: {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
)


@dataclass
class Entry:
    """One sentence: where it stands, its plural if it has one, and how it is said (nothing: not yet)."""

    msgid: str
    plural: str = ""
    files: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    @property
    def is_translated(self) -> bool:
        return len(self.said) == (2 if self.plural else 1) and all(self.said)


def sentences() -> dict[str, Entry]:
    """Every sentence of the sources by its English words."""
    found: dict[str, Entry] = {}
    for path in sorted(p for app in APPS for p in (ROOT / app).rglob("*") if p.suffix in {".py", ".html"}):
        name = str(path.relative_to(ROOT))
        if ENGLISH.search(name):
            continue
        for words, plural in (_of_python if path.suffix == ".py" else _of_template)(path.read_text()):
            entry = found.setdefault(words, Entry(words))
            entry.plural = entry.plural or plural
            entry.files.add(name)
    return found


def _of_python(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if name in CALLS and isinstance(node, ast.Call):
            texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if texts:
                yield texts[0], texts[1] if name.startswith("ngettext") else ""


def _of_template(source: str) -> Iterator[tuple[str, str]]:
    for match in _IN_TEMPLATE.finditer(templatize(source)):
        yield ast.literal_eval(match[1]), ast.literal_eval(match[2]) if match[2] else ""


# --- files


def path_of(language: str, suffix: str = "po") -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{suffix}"


def read(language: str) -> dict[str, Entry]:
    """The catalogue as it stands."""
    if not path_of(language).exists():
        return {}
    entries = [_entry(block) for block in path_of(language).read_text().split("\n\n")[1:] if block.strip()]
    return {entry.msgid: entry for entry in entries}


def _entry(block: str) -> Entry:
    lines = [line.partition(" ") for line in block.splitlines()]
    texts = {key: json.loads(value) for key, _space, value in lines if key.startswith("msg")}
    files = {name for key, _space, value in lines if key == "#:" for name in value.split()}
    said = [text for key, text in sorted(texts.items()) if key.startswith("msgstr")]
    return Entry(texts["msgid"], texts.get("msgid_plural", ""), files, said)


def write(language: str, entries: dict[str, Entry]) -> None:
    """The .po and the .mo that follows from it."""
    shown = sorted(entries.values(), key=lambda e: (min(e.files), e.msgid))
    blocks = ["\n".join(_lines(entry)) for entry in shown]
    head = 'msgid ""\nmsgstr ' + _quoted(HEADER.format(language))
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    path_of(language).write_text("\n\n".join([head, *blocks]) + "\n")
    path_of(language, "mo").write_bytes(compiled(language, entries))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _lines(entry: Entry) -> Iterator[str]:
    yield "#: " + " ".join(sorted(entry.files))
    yield "msgid " + _quoted(entry.msgid)
    said = entry.said or ["", ""]
    if entry.plural:
        yield "msgid_plural " + _quoted(entry.plural)
        yield from (f"msgstr[{n}] " + _quoted(text) for n, text in enumerate(said[:2]))
    else:
        yield "msgstr " + _quoted(said[0])


def compiled(language: str, entries: dict[str, Entry]) -> bytes:
    """The .mo of the translated entries, as gettext's own format says (GNU gettext manual, 10.3)."""
    pairs = {"": HEADER.format(language)}
    for e in entries.values():
        if e.is_translated:
            pairs[f"{e.msgid}\0{e.plural}" if e.plural else e.msgid] = "\0".join(e.said)
    texts = [(key.encode(), pairs[key].encode()) for key in sorted(pairs, key=str.encode)]
    at = 28 + 16 * len(texts)
    tables, body = [b"", b""], b""
    for side in (0, 1):
        for pair in texts:
            tables[side] += struct.pack("<II", len(pair[side]), at + len(body))
            body += pair[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(texts), 28, 28 + 8 * len(texts), 0, 0)
    return head + tables[0] + tables[1] + body


def renew() -> int:
    """Bring every catalogue up to the sources; returns how many sentences are not translated."""
    missing = 0
    for language in LANGUAGES:
        held, wanted = read(language), sentences()
        for words, entry in wanted.items():
            if words in held and held[words].plural == entry.plural:
                entry.said = held[words].said
        write(language, wanted)
        missing += sum(not entry.is_translated for entry in wanted.values())
    return missing


if __name__ == "__main__":
    left = renew()
    sys.stdout.write(f"{left} sentences are not translated yet.\n")
