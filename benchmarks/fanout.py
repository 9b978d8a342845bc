"""Workload 1: one queue on 500 and 1,000 screens, 10 changes a second by another process, through sign-in, permission,
log, sequencer and rendering. Beside it, in the same run and interleaved: bare uvicorn's send loop with messages of the
same size, and Channels' group_send (in memory), which do none of that.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from benchmarks.stage import Floor, Sockets, Stage, opened, percentile, spread

NAME = "fanout"
RATE = 10
SIZES = {"small": (5, 3.0), "full": (7, 10.0)}  # repeats, seconds of each
Window = tuple[list[float], int]  # delays in ms, lost


def run(scale: str = "small") -> dict[str, Any]:
    """Figures for 500 and 1,000 sockets; delays in ms from commit (floors: from the order) to each socket."""
    repeats, seconds = SIZES.get(scale, SIZES["small"])
    with opened(NAME) as stage:
        desk = Desk()
        figures = []
        for how_many in (500, 1000):
            figures += _figures(how_many, _measured(stage, desk, how_many, repeats, seconds))
    did = (
        f"{repeats} interleaved repeats of {seconds:.0f} s at {RATE} events/s (Channels: half a second, it cannot keep up); "
        f"a row of {desk.size} bytes to every socket; one server process, its sockets, the writer and PostgreSQL on this machine"
    )
    return {"name": NAME, "did": did, "figures": figures}


class Desk:
    """A queue, its reps, their sessions, and cases to change."""

    def __init__(self, cases: int = 50) -> None:
        from django.conf import settings
        from django.test import Client

        from cases.live import _render
        from tests.builders import make_case, make_queue, make_user

        reps = [make_user(f"Rep{n} Number{n}", username=f"rep{n}") for n in range(20)]
        self.queue = make_queue("Bench", reps=reps)
        self.cases = [make_case(self.queue, f"Case {n}") for n in range(cases)]
        self.cookies = [self._signed_in(Client(), rep, settings.SESSION_COOKIE_NAME) for rep in reps]
        self.size = len(_render("row", case=self.cases[0])) + 120
        self.turn = 0

    @staticmethod
    def _signed_in(browser: Any, rep: Any, name: str) -> str:
        browser.force_login(rep)
        return f"{name}={browser.cookies[name].value}"

    def change(self) -> tuple[str, float]:
        """One verb on the next case: its key and when its commit was done."""
        case = self.cases[self.turn % len(self.cases)]
        self.turn += 1
        case.set_priority("high" if case.priority != "high" else "normal", by=None)
        return f"{case.number}:{case.version}", time.monotonic()


def _measured(stage: Stage, desk: Desk, how_many: int, repeats: int, seconds: float) -> dict[str, list[Window]]:
    """Every contender's windows, taken in turn."""
    sockets = stage.sockets
    watch = json.dumps({"watch": [f"queue.{desk.queue.pk}"]})
    port = stage.server().port
    sockets.do("open", name="ours", port=port, how_many=how_many, path="/live/", cookies=desk.cookies, say=watch)
    floors = {name: stage.floor(name) for name in ("bare", "channels")}
    for name, floor in floors.items():
        sockets.do("open", name=name, port=floor.running.port, how_many=how_many, path="/", cookies=[""], say="")
    time.sleep(2)
    kinds: dict[str, Callable[[], Window]] = {
        "ours": lambda: _window(sockets, "ours", how_many, seconds, desk.change),
        "bare": lambda: _window(sockets, "bare", how_many, seconds, _order(floors["bare"], desk.size)),
        "channels": lambda: _window(sockets, "channels", how_many, 0.5, _order(floors["channels"], desk.size)),
    }
    _window(sockets, "ours", how_many, 0.5, desk.change)  # the first renders load templates
    found: dict[str, list[Window]] = {name: [] for name in kinds}
    for _ in range(repeats):
        for name, window in kinds.items():
            found[name].append(window())
    for name in kinds:
        sockets.do("close", name=name)
    return found


def _order(floor: Floor, size: int) -> Callable[[], tuple[str, float]]:
    counter = iter(range(1, 1_000_000))

    def order() -> tuple[str, float]:
        version = next(counter)
        return f"1:{version}", floor.send(1, version, size)

    return order


def _window(
    sockets: Sockets, name: str, how_many: int, seconds: float, change: Callable[[], tuple[str, float]]
) -> Window:
    """Changes at a fixed rate; then what arrived, and how late."""
    sockets.do("mark", name=name)
    began = time.monotonic()
    said: dict[str, float] = {}
    for n in range(int(seconds * RATE)):
        time.sleep(max(0, began + n / RATE - time.monotonic()))
        key, at = change()
        said[key] = at
    sockets.do("wait", name=name, deliveries=how_many * len(said), seconds=15)
    times = sockets.do("report", name=name, times=True)["times"]
    delays = [(now - at) * 1000 for key, at in said.items() for now in times.get(key, ())]
    return delays, how_many * len(said) - len(delays)


def _figures(how_many: int, found: dict[str, list[Window]]) -> list[dict[str, Any]]:
    rows = {name: _row(windows) for name, windows in found.items()}
    ratios = [
        percentile(o, 0.99) / percentile(b, 0.99) for (o, _), (b, _) in zip(found["ours"], found["bare"], strict=True)
    ]
    lost = sum(lost for _, lost in found["ours"])
    return [
        {
            "metric": f"{how_many} sockets, commit to client, {label}",
            "unit": "ms",
            "ours": rows["ours"][share],
            "floor": rows["bare"][share],
            "peer": rows["channels"][share],
            **(
                {
                    "target": "p99 ≤ 2 × bare uvicorn",
                    "ratio": spread(ratios, 2),
                    "met": spread(ratios, 2)["median"] <= 2,
                }
                if share == 0.99
                else {}
            ),
        }
        for label, share in (("p50", 0.5), ("p99", 0.99))
    ] + [
        {
            "metric": f"{how_many} sockets, lost",
            "unit": "deliveries",
            "ours": lost,
            "floor": sum(lost for _, lost in found["bare"]),
            "peer": sum(lost for _, lost in found["channels"]),
            "target": "0 lost",
            "met": lost == 0,
        }
    ]


def _row(windows: list[Window]) -> dict[float, dict[str, float]]:
    return {
        share: spread([percentile(delays or [float("nan")], share) for delays, _ in windows]) for share in (0.5, 0.99)
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
