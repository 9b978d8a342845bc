"""Optional (`make bench ONLY=peer`): the same cases, messages and people in django-helpdesk, a ticket tracker of the same
stack (Django, PostgreSQL) that runs beside us; lists, cases and searches of both in turn.

It needs an environment of its own, which is made once in var/bench/peer and asks the package index for it; nothing of it
gets into ours. Both are asked in process through Django's test client, with DEBUG off: the server's own time, pages with
the rows and panels their scripts ask for next.
"""

import json
import subprocess
import sys
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from django.conf import settings

from benchmarks import corpus
from benchmarks.case import PANEL
from benchmarks.corpus import QUEUES, Corpus
from benchmarks.queue import quiet, signed_in
from benchmarks.stage import percentile, spread

NAME = "peer"
# The newest when this was written; what it needs comes along.
REQUIREMENTS = ("django-helpdesk==2.6.1", "psycopg[binary]==3.3.9")
# Repeats, cases, and how many of each in a repeat.
SIZES = {"small": (5, 5_000, 3), "default": (5, 100_000, 3), "full": (7, 100_000, 5)}
Times = dict[str, list[list[float]]]


def run(scale: str = "default") -> dict[str, Any]:
    """Figures in ms for each kind of page, theirs beside ours."""
    repeats, cases, of_each = SIZES.get(scale, SIZES["default"])
    python = environment("peer", REQUIREMENTS)
    with corpus.opened(cases, NAME) as made, quiet(), ExitStack() as stack:
        peer = _peer(python, made, stack)
        found = _measured(Pages(made, peer), repeats, of_each)
    did = (
        f"{cases:,} cases, {4 * cases:,} messages, {cases:,} customers and {len(made.people)} people, in Forefront and, copied "
        f"from it, in {REQUIREMENTS[0]}, on one server; {repeats} repeats of {of_each} of each page, ours and theirs in turn, "
        "by one person, in process, DEBUG off. A case of ours is its page and all its panels; of theirs a ticket. Their search "
        "reads subjects and first messages only"
    )
    return {"name": NAME, "did": did, "figures": _figures(found)}


# --- theirs


def environment(name: str, requirements: Sequence[str]) -> str:
    """A Python that has these, in an environment of its own."""
    home = settings.BASE_DIR / "var" / "bench" / name
    python, done = home / "bin" / "python", home / f".{'-'.join(requirements).replace('/', '')}"
    if not done.exists():
        print(f"  installing {', '.join(requirements)} in {home} (once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        installed = subprocess.run(
            [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install", *requirements],
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if installed.returncode:
            raise RuntimeError(f"{requirements[0]} cannot be had: {installed.stderr.strip()[-400:]}")
        done.touch()
    return str(python)


class Spoken:
    """Its process: an order a line, an answer a line."""

    def __init__(self, python: str, script: str, **env: str) -> None:
        self.script = script
        self._process = subprocess.Popen(
            [python, "-P", "-W", "ignore", str(settings.BASE_DIR / "benchmarks" / script)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **env},
        )  # fmt: skip

    def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "its process ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.script}, {what}: {answer['error']}")
        return answer

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def _peer(python: str, made: Corpus, stack: ExitStack) -> Spoken:
    """In a database beside ours, with our rows."""
    from django.db import connection

    from tests.processes import database_url

    source, name = database_url(), "bench_helpdesk"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    stack.callback(_dropped, name)
    where = {key: connection.settings_dict[key] for key in ("HOST", "PORT", "USER", "PASSWORD")}
    peer = Spoken(python, "peer_helpdesk.py", PEER_DATABASE=json.dumps({**where, "NAME": name}))
    stack.callback(peer.close)
    peer.do("migrate")
    loaded = peer.do("load", source=source, people=made.people, queues=QUEUES)
    assert loaded["tickets"] == made.cases, loaded
    print(
        f"  theirs: {loaded['tickets']:,} tickets and {loaded['followups']:,} follow-ups in {loaded['seconds']:.0f} s",
        flush=True,
    )
    peer.do("sign_in", pk=made.people[0])
    return peer


def _dropped(name: str) -> None:
    from django.db import connection

    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


# --- both


class Pages:
    """The same page of both, each timed by itself, in ms."""

    def __init__(self, made: Corpus, peer: Spoken) -> None:
        from cases.models import Case

        self.made, self.peer = made, peer
        self.browser = signed_in(made.people[0])
        self.open = list(Case.objects.filter(status="open").order_by("-pk").values_list("pk", "number")[:200])

    def list(self, _n: int) -> tuple[float, float]:
        mine = self._ours(f"/queues/{self.made.queues[0]}/?view=all")
        theirs = self.peer.do("open_list")
        assert theirs["found"] == self.made.active, theirs
        return mine, theirs["ms"]

    def case(self, n: int) -> tuple[float, float]:
        pk, number = self.open[n % len(self.open)]
        return self._ours(f"/cases/{number}/", panels=True), self.peer.do("open_case", ticket=pk)["ms"]

    def common(self, n: int) -> tuple[float, float]:
        return self._search("common", n)

    def rare(self, n: int) -> tuple[float, float]:
        return self._search("rare", n)

    def _search(self, kind: str, n: int) -> tuple[float, float]:
        words = self.made.words[kind]
        word = words[n % len(words)]
        return self._ours(f"/search/?q={urllib.parse.quote(word)}"), self.peer.do("search", words=word)["ms"]

    def _ours(self, address: str, *, panels: bool = False) -> float:
        began = time.perf_counter()
        said = self._got(address)
        for panel in PANEL.findall(said) if panels else ():
            self._got(panel.replace("&amp;", "&"))
        return (time.perf_counter() - began) * 1000

    def _got(self, address: str) -> str:
        answer = self.browser.get(address)
        assert answer.status_code == 200, f"{address}: HTTP {answer.status_code}"
        return str(answer.content.decode())


KINDS = {
    "list": "the open cases of a queue",
    "case": "a case, opened",
    "common": "search, a common word",
    "rare": "search, a rare word",
}


def _measured(pages: Pages, repeats: int, of_each: int) -> Times:
    found: Times = defaultdict(list)
    for kind in KINDS:  # loads templates, opens connections
        getattr(pages, kind)(0)
    for turn in range(repeats):
        for kind in KINDS:
            took = [getattr(pages, kind)(turn * of_each + n) for n in range(of_each)]
            found[kind].append([ours for ours, _theirs in took])
            found[f"{kind}, theirs"].append([theirs for _ours, theirs in took])
    return found


def _figures(found: Times) -> list[dict[str, Any]]:
    figures = []
    for kind, said in KINDS.items():
        for label, share in (("p50", 0.5), ("p95", 0.95)):
            ours, theirs = ([percentile(w, share) for w in found[name]] for name in (kind, f"{kind}, theirs"))
            times = spread([b / a for a, b in zip(ours, theirs, strict=True)], 1)
            figure = {
                "metric": f"{said}, {label}; ratio: theirs to ours",
                "unit": "ms",
                "ours": spread(ours),
                "floor": None,
                "peer": spread(theirs),
                "ratio": times,
            }
            if (kind, label) == ("list", "p50"):
                figure |= {"target": "≥ 20 ×", "met": times["median"] >= 20}
            figures.append(figure)
    return figures
