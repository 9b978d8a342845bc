"""What the house agreed on about its own shape, checked on the source."""

import ast
import gc
import logging
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from logging.handlers import SMTPHandler
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.urls import URLResolver, get_resolver
from django.utils.log import AdminEmailHandler
from django.utils.module_loading import import_string

from crm import jobs, roles
from tests import roles_page

ROOT = Path(__file__).resolve().parent.parent
APPS = ["crm", "customers", "cases", "outreach"]
LONGEST = 400
# Writes the log of a database it has just made, in bulk and before anybody follows it.
MAKES_HISTORY = "crm/management/demo/"


def _files(*suffixes: str) -> list[Path]:
    """Everything that is in the repository or about to be, migrations left out."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [ROOT / n for n in names if n.endswith(suffixes) and "/migrations/" not in n]
    return [path for path in found if path.is_file()]


@cache
def _product() -> list[tuple[str, ast.Module]]:
    files = [(str(p.relative_to(ROOT)), p) for p in _files(".py")]
    return [(name, _tree(path.read_text())) for name, path in files if name.split("/")[0] in APPS]


def _tree(source: str) -> ast.Module:
    """Parsed with the collector at rest: when it ends a browser test's greenlets in the middle of parsing, CPython 3.11
    miscounts its recursion and raises SystemError."""
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        gc.enable()


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Each call with its dotted beginning: `Event.objects.create(…)` is "Event.objects.create"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@cache
def _said() -> list[tuple[str, str, ast.Call]]:
    """Every call of the product, and the file it stands in."""
    return [(name, dotted, call) for name, tree in _product() for dotted, call in _calls(tree)]


def _where(pattern: str, *, but: tuple[str, ...] = ()) -> list[str]:
    """file:line of every call whose dotted beginning matches, outside the places named."""
    wanted = re.compile(pattern)
    return [
        f"{name}:{call.lineno} {dotted[:80]}"
        for name, dotted, call in _said()
        if not name.startswith(but) and wanted.search(dotted)
    ]


def test_no_file_is_longer_than_one_can_read() -> None:
    vendored = ROOT / "static" / "vendor"
    files = [p for p in _files(".py", ".html", ".css", ".js") if vendored not in p.parents]
    long = {str(p.relative_to(ROOT)): n for p in files if (n := len(p.read_text().splitlines())) > LONGEST}
    assert files
    assert long == {}


def test_every_model_says_what_it_is() -> None:
    ours = [m for m in apps.get_models() if m.__module__.split(".")[0] in APPS and ".models" in m.__module__]
    generated = {"event_models", "pghistory"}
    silent = [m.__name__ for m in ours if not _says(m) and not generated & set(_bases(m))]
    assert len(ours) > 30
    assert silent == []


def _says(model: type) -> bool:
    """Django writes `Name(field, …)` where nobody wrote a sentence."""
    return bool(model.__doc__) and not str(model.__doc__).startswith(f"{model.__name__}(")


def _bases(model: type) -> list[str]:
    return [base.__module__.split(".")[0] for base in model.__mro__]


def test_sweeps_and_wake_ups_name_functions_that_exist() -> None:
    assert jobs.sweeps()
    for path in [*jobs._flows, *_woken()]:
        assert callable(import_string(path)), path


def _woken() -> list[str]:
    """The paths written in calls of wake()."""
    calls = [c for _name, dotted, c in _said() if dotted in {"wake", "jobs.wake"}]
    return [c.args[0].value for c in calls if c.args and isinstance(c.args[0], ast.Constant)]


def test_only_the_outward_door_makes_something_leave() -> None:
    made = r"^Dispatch$|^Dispatch\.objects.*\.(get_or_create|update_or_create|a?create|a?bulk_create)$"
    assert _where(made, but=("cases/outward.py",)) == []
    assert _where(made) != []


# Who may speak to the outside, and what for; import-linter holds the libraries (pyproject.toml), this the rest.
SPEAKS = {
    "cases/channels/mail.py": {"smtplib", "django.core.mail"},
    "cases/channels/generic.py": {"httpx"},
    "cases/mail/imap.py": {"imaplib", "imap_tools"},  # reads
    "cases/mail/opening.py": {"imaplib", "imap_tools"},
    "cases/mail/oauth.py": {"httpx"},
    "cases/pushing.py": {"httpx"},
    "crm/fetching.py": {"httpx"},
    "crm/doctor.py": {"smtplib"},  # asks whether the server is there
    "crm/management/commands/serve.py": {"urllib.request"},  # asks its own web processes
}
OUTSIDE = re.compile(
    r"(smtplib|imaplib|poplib|nntplib|ftplib|telnetlib|xmlrpc|httpx|httpcore|requests|aiohttp|urllib3|imap_tools|django\.core\.mail"
    r"|urllib\.request|http\.client)(\.|$)"
)


def test_only_the_channels_speak_to_the_outside() -> None:
    found: dict[str, set[str]] = {}
    for name, tree in _product():
        for module in _imported(tree):
            if speaks := OUTSIDE.match(module):
                found.setdefault(name, set()).add(speaks[1])
    more = {name: spoken - SPEAKS.get(name, set()) for name, spoken in found.items()}
    assert {name: spoken for name, spoken in more.items() if spoken} == {}
    assert "cases/channels/mail.py" in found


def _imported(tree: ast.AST) -> Iterator[str]:
    """Every module a file names in an import, at its top or inside a function: `from a import b` names a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__", "import_string")
        ):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def test_an_import_is_seen_wherever_it_hides() -> None:
    """The test above is only as good as what it sees."""
    hidden = "def f():\n from django.core import mail\n import_module('smtplib')\n import http.client as h\n"
    seen = {speaks[1] for module in _imported(ast.parse(hidden)) if (speaks := OUTSIDE.match(module))}
    assert seen == {"django.core.mail", "smtplib", "http.client"}


def test_only_the_sending_loop_asks_a_channel_to_send() -> None:
    """Adapters are reached by `adapter_for`, and it by the loop that claims what was permitted."""
    loop = ("cases/channels/", "cases/outward.py", "cases/sending.py")
    assert _where(r"(^|\.)adapter_for$", but=loop) == []
    assert _where(r"(^|\.)adapter_for$") != []


def test_django_s_own_ways_to_write_mail_are_not_used() -> None:
    """No mail to admins about errors, no password mails, no broken links: they would pass no permission."""
    assert _where(r"(^|\.)(mail_admins|mail_managers|send_mail|send_mass_mail|email_user)$") == []
    handlers = {handler["class"] for handler in settings.LOGGING["handlers"].values()}
    assert not any("Email" in handler or "SMTP" in handler for handler in handlers)
    assert not any(_mails(logging.getLogger(name)) for name in ["", *logging.root.manager.loggerDict])
    assert not settings.ADMINS
    assert not settings.MANAGERS
    assert not any("BrokenLink" in middleware for middleware in settings.MIDDLEWARE)
    assert not [str(path) for path in _views() if "password_reset" in path]


def _mails(logger: logging.Logger) -> bool:
    return any(isinstance(handler, AdminEmailHandler | SMTPHandler) for handler in logger.handlers)


def _views() -> Iterator[str]:
    """The names of everything the URLconf leads to."""
    below = [get_resolver()]
    for resolver in below:
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                below.append(pattern)
            else:
                yield f"{pattern.name} {pattern.lookup_str}"


def test_only_the_event_log_writes_events() -> None:
    written = r"^Event\.objects.*\.(a?create|get_or_create|update_or_create|a?bulk_create|a?update|a?delete)$"
    assert _where(written, but=("crm/events.py", MAKES_HISTORY)) == []
    assert _where(written) != []


def test_views_reach_cases_and_customers_through_what_a_person_may_see() -> None:
    """A queryset in a view that does not begin at `visible_to` must lie inside one that does, and be named here."""
    inside = {
        "cases/views/saying.py": "Case.objects.filter",  # the row of a case that was found through find()
        "cases/api/cases.py": "Case.objects.filter",  # looked up by external_id, then asked of visible_to
    }
    views = re.compile(r"(^|/)(views/|views_?\w*\.py|api/|api\.py)")
    found: dict[str, str] = {}
    for name, tree in _product():
        for dotted, _call in _calls(tree):
            if views.search(name) and re.match(
                r"(Case|Customer)\.objects\.(get|filter|all|exclude|in_bulk|first)$", dotted
            ):
                found[name] = dotted
    assert found == {name: call for name, call in inside.items() if name in found}


def test_the_page_of_roles_is_the_table() -> None:
    """After a change of the table: python -m tests.roles_page"""
    assert roles_page.PAGE.read_text() == roles_page.text()
    assert all(who <= set(roles.ROLES) for who in roles.TABLE.values())
