"""1,000 cases changed at once, as a part of the workload `work`: begun from the console, done by the keeper, watched as the
browser watches it, and taken back. Wall time from the press to the end, and the keeper's own CPU."""

import http.client
import re
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

from benchmarks.stage import cpu, spread

if TYPE_CHECKING:
    from benchmarks.work import Desk

MANY = 1000
TAG = "bench"


def figures(desk: "Desk", times: int) -> list[dict[str, Any]]:
    """Each time the same cases: tagged, then given back."""
    found = [_once(desk) for _ in range(times)]
    told = {
        "done": "from the press until all are done",
        "undone": "from the press until all are given back",
        "cpu": "CPU of the keeper for 100 of them",
    }
    rows: list[dict[str, Any]] = []
    for name, words in told.items():
        figure = {
            "metric": f"{MANY:,} at once, {words}",
            "unit": "s",
            "ours": spread([each[name] for each in found], 2),
        }
        rows.append(figure | {"floor": None, "peer": None})
    rows[-1] |= {"target": "≤ 1.2 s", "met": max(each["cpu"] for each in found) <= 1.2}
    return rows


def _once(desk: "Desk") -> dict[str, float]:
    rows = desk.bare.execute(
        "SELECT number, version FROM cases_case WHERE status = 'open' AND queue_id = %s ORDER BY id LIMIT %s",
        [desk.made.queues[0], MANY],
    ).fetchall()
    assert len(rows) == MANY, f"{len(rows)} open cases"
    chosen = ",".join(f"{number}:{version}" for number, version in rows)
    spent, began = cpu(desk.keeper.pid), time.monotonic()
    line = _asked(desk, f"/queues/{desk.made.queues[0]}/bulk/", {"do": "tag", "tags": TAG, "numbers": chosen})
    key = int(re.search(r'data-bulk="(\d+)"', line)[1])  # type: ignore[index]
    _watched(desk, key)
    done, spent = time.monotonic() - began, cpu(desk.keeper.pid) - spent
    _must_be(desk, key, "done")
    began = time.monotonic()
    _asked(desk, f"/bulk/{key}/undo/", {})
    _watched(desk, key)
    undone = time.monotonic() - began
    _must_be(desk, key, "undone")
    return {"done": done, "undone": undone, "cpu": spent / MANY * 100}


def _watched(desk: "Desk", key: int) -> None:
    """As a browser asks, each second, until it is over."""
    while "data-bulk-over" not in _asked(desk, f"/bulk/{key}/", None):
        time.sleep(1)


def _must_be(desk: "Desk", key: int, state: str) -> None:
    counts = dict(
        desk.bare.execute("SELECT state, count(*) FROM cases_bulkrow WHERE bulk_id = %s GROUP BY 1", [key]).fetchall()
    )
    assert counts == {state: MANY}, f"{counts}, not {MANY} {state}"


def _asked(desk: "Desk", path: str, form: dict[str, str] | None) -> str:
    line = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60)
    headers = {"Cookie": desk.cookies[0], "HX-Request": "true"}
    if form is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": desk.token}
    line.request("GET" if form is None else "POST", path, urllib.parse.urlencode(form) if form else None, headers)
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    assert answer.status == 200, f"{path}: HTTP {answer.status}: {text[:300]}"
    return text
