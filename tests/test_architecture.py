"""What the house agreed on about its own shape, checked on the source."""

import ast
import gc
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
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


def _where(pattern: str, *, but: tuple[str, ...] = ()) -> list[str]:
    """file:line of every call whose dotted beginning matches, outside the places named."""
    wanted = re.compile(pattern)
    return [
        f"{name}:{call.lineno} {dotted[:80]}"
        for name, tree in _product()
        if not name.startswith(but)
        for dotted, call in _calls(tree)
        if wanted.search(dotted)
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
    calls = [c for _name, tree in _product() for dotted, c in _calls(tree) if dotted in {"wake", "jobs.wake"}]
    return [c.args[0].value for c in calls if c.args and isinstance(c.args[0], ast.Constant)]


def test_only_the_outward_door_makes_something_leave() -> None:
    made = r"^Dispatch$|^Dispatch\.objects.*\.(get_or_create|update_or_create|a?create|a?bulk_create)$"
    assert _where(made, but=("cases/outward.py",)) == []
    assert _where(made) != []


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
