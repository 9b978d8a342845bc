"""Workload 2: 300 changes back to back to 1,000 screens: deliveries a second and memory a socket.

Two of ours: the whole path (300 commits as fast as one connection makes them; log, sequencer, rendering, writing; what
comes while a tick is under way shares its message) and the writing alone, a message a change, which is what bare
uvicorn's send loop and picows do too. Same message size for all.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import psycopg

from benchmarks.fanout import Desk
from benchmarks.stage import Floor, Stage, opened, resident, spread

NAME = "ceiling"
EVENTS = 300
SOCKETS = 1000
REPEATS = {"small": 5, "full": 9}


def run(scale: str = "small") -> dict[str, Any]:
    """Figures in deliveries a second, from the first order or commit to the last delivery."""
    repeats = REPEATS.get(scale, REPEATS["small"])
    with opened(NAME) as stage:
        desk = Desk(cases=EVENTS)
        memory, rates = _measured(stage, desk, repeats)
    did = (
        f"{repeats} interleaved repeats of {EVENTS} changes back to back to {SOCKETS} sockets, {desk.size} bytes each; one "
        "server process, its sockets and PostgreSQL on this machine"
    )
    return {"name": NAME, "did": did, "figures": [*_rates(rates), _memory(memory)]}


def _measured(stage: Stage, desk: Desk, repeats: int) -> tuple[dict[str, float], dict[str, list[float]]]:
    floors = {name: stage.floor(name) for name in ("bare", "ours", "picows")}
    server = stage.server()
    pids = {name: floor.running.pid for name, floor in floors.items()} | {"path": server.pid}
    watch = json.dumps({"watch": [f"queue.{desk.queue.pk}"]})
    memory: dict[str, float] = {}
    for name, pid in pids.items():
        before = resident(pid)
        port = server.port if name == "path" else floors[name].running.port
        path, say, cookies = ("/live/", watch, desk.cookies) if name == "path" else ("/", "", [""])
        stage.sockets.do("open", name=name, port=port, how_many=SOCKETS, path=path, cookies=cookies, say=say)
        time.sleep(1.5)
        memory[name] = (resident(pid) - before) / SOCKETS / 1024
    with psycopg.connect(_url(), autocommit=True) as conn:
        kinds: dict[str, Callable[[], float]] = {"path": lambda: _path(stage, desk, conn)}
        kinds |= {name: lambda floor=floor: _burst(stage, floor, desk.size) for name, floor in floors.items()}
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(repeats + 1):
            for name, measure in kinds.items():
                rate = measure()
                if turn:  # the first one warms up
                    found[name].append(rate)
    return memory, found


def _url() -> str:
    from tests.processes import database_url

    return database_url()


def _burst(stage: Stage, floor: Floor, size: int) -> float:
    stage.sockets.do("mark", name=floor.name)
    began = floor.send(1, int(time.time()), size, EVENTS)
    return _rate(stage, floor.name, began)


def _path(stage: Stage, desk: Desk, conn: "psycopg.Connection[tuple[Any, ...]]") -> float:
    """One commit a change, as fast as they go, each to another case."""
    stage.sockets.do("mark", name="path")
    began = time.monotonic()
    for case in desk.cases:
        conn.execute(
            "WITH c AS (UPDATE cases_case SET version = version + 1 WHERE id = %s RETURNING id, version)"
            " INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data)"
            " SELECT 'case', id, version, 'tagged', 'system', '', now(), '{}' FROM c",
            [case.pk],
        )
    conn.execute("NOTIFY forefront_events")
    return _rate(stage, "path", began)


def _rate(stage: Stage, name: str, began: float) -> float:
    stage.sockets.do("wait", name=name, deliveries=EVENTS * SOCKETS, seconds=60)
    told = stage.sockets.do("report", name=name, times=False)
    assert told["deliveries"] == EVENTS * SOCKETS, f"{name}: {told}"
    return float(told["deliveries"] / (told["last"] - began))


def _rates(found: dict[str, list[float]]) -> list[dict[str, Any]]:
    told = {name: spread(rates, 0) for name, rates in found.items()}
    against = {
        name: spread([o / f for o, f in zip(found["ours"], found[name], strict=True)], 2) for name in ("bare", "picows")
    }
    met = against["bare"]["median"] >= 1 and against["picows"]["median"] >= 0.6
    return [
        {
            "metric": "the whole path, from the first commit (changes that come during a tick share a message)",
            "unit": "deliveries/s",
            "ours": told["path"],
            "floor": told["bare"],
            "peer": told["picows"],
        },
        {
            "metric": "writing alone, a message a change",
            "unit": "deliveries/s",
            "ours": told["ours"],
            "floor": told["bare"],
            "peer": told["picows"],
            "ratio": against["bare"],
            "ratio to picows": against["picows"],
            "target": "≥ 100 % of bare uvicorn, ≥ 60 % of picows",
            "met": met,
        },
    ]


def _memory(memory: dict[str, float]) -> dict[str, Any]:
    told = {name: {"median": round(kb, 1), "min": round(kb, 1), "max": round(kb, 1)} for name, kb in memory.items()}
    return {
        "metric": "memory a socket",
        "unit": "kB",
        "ours": told["path"],
        "floor": told["bare"],
        "peer": told["picows"],
        "target": "≤ 40 kB",
        "met": memory["path"] <= 40,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
