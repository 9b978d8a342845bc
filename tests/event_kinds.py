"""Every kind of event the product writes, read from its code: what is called to record it, and with which word."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ("crm", "customers", "cases", "outreach")
# Events of the past brought in whole, and the demo's story: kinds that verbs write too.
BESIDE = {"cases/imports.py", "customers/imports.py", "crm/management/demo/story.py"}
# Where the word is put together: (file, function) → the kinds.
COMPOSED = {("cases/receipts.py", "_tell"): {"message_delivered", "message_read"}}


class Unreadable(Exception):
    """An event is recorded here with a word that nobody can read from the code: name it in COMPOSED."""


def of(app: str) -> set[str]:
    """The kinds of events this app's code writes."""
    found: set[str] = set()
    for path in (ROOT / app).rglob("*.py"):
        name = str(path.relative_to(ROOT))
        if "migrations" not in path.parts and name not in BESIDE:
            found |= _in_module(name, ast.parse(path.read_text()))
    return found


def _in_module(name: str, tree: ast.Module) -> set[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    theirs = {"record": 1} if "record" not in {f.name for f in functions if not _is_method(f)} else _renamed(tree)
    recorders = theirs | {f.name: at for f in functions for at in _handed_on(f, theirs, imported)}
    found: set[str] = set()
    for function in functions:
        for call, said in _recorded(function, recorders, imported):
            if isinstance(said, ast.Name) and said.id in _parameters(function):
                continue  # whoever calls this function says it
            kinds = COMPOSED.get((name, function.name)) or _words(said, function)
            if kinds is None:
                raise Unreadable(f"{name}:{call.lineno} in {function.name}")
            found |= kinds
    return found


def _is_method(function: ast.FunctionDef) -> bool:
    return _parameters(function)[:1] == ["self"]


def _renamed(tree: ast.Module) -> dict[str, int]:
    """What a module with a `record` of its own calls ours."""
    ours = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "crm.events"]
    return {alias.asname or alias.name: 1 for node in ours for alias in node.names if alias.asname}


def _handed_on(function: ast.FunctionDef, recorders: dict[str, int], imported: set[str]) -> list[int]:
    """Where in its own parameters a function gets the kind it records; methods are told apart by their name."""
    if function.name == "record":
        return []
    said = [word.id for _call, word in _recorded(function, recorders, imported) if isinstance(word, ast.Name)]
    names = _parameters(function)
    return [names.index(word) for word in said if word in names]


def _recorded(
    function: ast.FunctionDef, recorders: dict[str, int], imported: set[str]
) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Calls that record an event, each with what says its kind."""
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        match call.func:
            case ast.Name(id=called) if called in recorders and len(call.args) > recorders[called]:
                yield call, call.args[recorders[called]]
            case ast.Attribute(attr="record", value=ast.Name(id=owner)) if owner in imported:
                continue  # another module's function of that name
            case ast.Attribute(attr="record") if call.args:
                yield call, call.args[0]


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [arg.arg for arg in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]]


def _words(said: ast.expr, function: ast.FunctionDef) -> set[str] | None:
    """The words an expression can come to, as far as they stand in this function."""
    match said:
        case ast.Constant(value=str(word)):
            return {word}
        case ast.IfExp(body=one, orelse=other):
            return _together([one, other], function)
        case ast.Dict(values=values):
            return _together(values, function)
        case ast.Subscript(value=inner):
            return _words(inner, function)
        case ast.Call(func=ast.Attribute(attr="get", value=inner), args=[_, default]):
            return _together([inner, default], function)
        case ast.Name(id=name):
            return _together([node.value for node in ast.walk(function) if _assigns(node, name)], function)  # type: ignore[attr-defined]
    return None


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)


def _together(values: list[ast.expr], function: ast.FunctionDef) -> set[str] | None:
    words = [_words(value, function) for value in values]
    return None if not words or None in words else {word for some in words for word in some or ()}
