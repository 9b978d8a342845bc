"""No update is lost whatever dies (L1–L3, L6, L7, L10, K9). Full size: 7 kinds of fault × 5 seeds, 30 clients, 60 s."""

import os
import random
import signal
import time
from collections.abc import Callable

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from crm.live import sequencer
from crm.live.database import parameters
from crm.models import Event
from tests import processes
from tests.faults.client import Crowd
from tests.faults.desk import Fleet, Writers, fleet, lags, open_desk, percentile, settled, verdict
from tests.faults.figures import tell
from tests.faults.proxy import Proxy
from tests.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        full = metafunc.config.getoption("--faults") == "full"
        metafunc.parametrize("seed", range(1, 6) if full else [1], ids=lambda seed: f"seed{seed}")


class Scene:
    """What a fault may touch."""

    def __init__(self, servers: Fleet, crowd: Crowd, proxy: Proxy, chance: random.Random) -> None:
        self.servers, self.crowd, self.proxy, self.chance = servers, crowd, proxy, chance
        self.ends: list[float] = []  # seconds each server took to end when told


def drop_sockets(scene: Scene) -> None:
    scene.crowd.drop(scene.chance.sample(scene.crowd.clients, max(1, len(scene.crowd.clients) // 2)))


def kill_server(scene: Scene) -> None:
    port = scene.servers.pick(scene.chance)
    scene.servers.servers[port].kill(signal.SIGKILL)
    scene.servers.restart(port)


def deploy(scene: Scene) -> None:
    """SIGTERM, gone, started again."""
    port = scene.servers.pick(scene.chance)
    started = time.monotonic()
    scene.servers.servers[port].stop(30)
    scene.ends.append(time.monotonic() - started)
    scene.servers.restart(port)


def freeze(scene: Scene) -> None:
    server = scene.servers.servers[scene.servers.pick(scene.chance)]
    server.kill(signal.SIGSTOP)
    time.sleep(1.5)
    server.kill(signal.SIGCONT)


def cut_database(scene: Scene) -> None:
    """Every connection but this one, writers included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def kill_sequencer(scene: Scene) -> None:
    """The leader's session."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted AND d.datname = current_database()",
            [sequencer.LOCK],
        )


def half_open(scene: Scene) -> None:
    """Lines that look alive and carry nothing."""
    scene.proxy.silent = True
    time.sleep(4)
    scene.proxy.silent = False


FAULTS: dict[str, Callable[[Scene], None]] = {
    f.__name__: f for f in (drop_sockets, kill_server, deploy, freeze, cut_database, kill_sequencer, half_open)
}


def hurt(kind: str, scene: Scene, seconds: float, *, full: bool) -> int:
    """Faults of one kind for so long; how many."""
    end, faults = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        FAULTS[kind](scene)
        faults += 1
        time.sleep(scene.chance.uniform(1.5, 3) if full else 0.5)
    return faults


def run(kind: str, seed: int, *, full: bool, servers: int = 1, rate: float = 40.0) -> None:
    """Write at a fixed rate, hurt something every 1.5 to 3 s, then hold what every client applied against the log."""
    clients, seconds = (30, 60.0) if full else (10, 3.0)
    desk = open_desk()
    chance = random.Random(seed)
    with fleet(servers) as running:
        proxy = Proxy(lambda: running.pick(chance))
        crowd = Crowd(desk.clients(clients, lambda: proxy.port, seed=seed))
        crowd.loop.run_until_complete(proxy.start())
        with crowd, Writers(desk, rate=rate, seed=seed).writing() as writers:
            wait_until(crowd.all_live, 60, "all clients live")
            scene = Scene(running, crowd, proxy, chance)
            faults = hurt(kind, scene, seconds, full=full)
            running.ready()
            quiet = time.monotonic() + 2
            time.sleep(3)
            writers.done.set()
            settled(crowd)
            told = verdict(desk, crowd.clients)
            after = percentile(lags(writers, crowd.clients, quiet), 0.99)
            crowd.do(proxy.stop())
    twice = sum(client.counts["duplicates"] for client in crowd.clients)
    tell(
        f"{kind} seed {seed}, {servers} server(s): {faults} faults, {told['events']} events, {writers.undone} undone, "
        f"{told['deliveries']} deliveries, lost 0, sent twice {twice}, p99 after the last fault {after * 1000:.0f} ms"
        + (f", slowest end {max(scene.ends):.1f} s" if scene.ends else ""),
        full=full,
    )
    assert told["events"] > (seconds * rate / 3 if full else 5)
    if full:
        assert writers.undone > 0
        assert max(scene.ends, default=0) <= 5, "a deploy waits no longer for a server"


@pytest.mark.parametrize("kind", FAULTS)
def test_nothing_is_lost_nothing_made_up_all_in_order_once(kind: str, seed: int, full: bool) -> None:
    run(kind, seed, full=full)


def test_two_servers_on_two_ports_share_one_log_while_one_of_them_dies(full: bool) -> None:
    run("kill_server", 7, full=full, servers=2)


def test_with_every_notify_suppressed_updates_still_arrive(full: bool) -> None:
    desk = open_desk()
    with fleet(app="tests.faults.deaf:application") as running:
        crowd = Crowd(desk.clients(30 if full else 8, lambda: running.ports[0]))
        with crowd, Writers(desk, rate=20).writing() as writers:
            wait_until(crowd.all_live, 60, "all clients live")
            since = time.monotonic()
            time.sleep(60 if full else 3)
            writers.done.set()
            settled(crowd)
            verdict(desk, crowd.clients)
    late = percentile(lags(writers, crowd.clients, since), 0.99)
    tell(f"no NOTIFY: p99 {late * 1000:.0f} ms", full=full)
    assert late < (1.5 if full else 30)


def test_a_transaction_left_open_delays_nobody_else(full: bool) -> None:
    desk = open_desk()
    other = open_transaction()
    with fleet() as running, other:
        crowd = Crowd(desk.clients(30 if full else 8, lambda: running.ports[0]))
        other.execute("SET idle_in_transaction_session_timeout = 0")
        other.execute(
            "INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data)"
            " VALUES ('queue', 0, 1, 'tested', 'person', '', now(), '{}')"
        )
        with crowd, Writers(desk, rate=30).writing() as writers:
            wait_until(crowd.all_live, 60, "all clients live")
            since = time.monotonic()
            time.sleep(30 if full else 3)
            late = percentile(lags(writers, crowd.clients, since), 0.99)
            writers.done.set()
            settled(crowd)  # all but the open one
            other.commit()
            wait_until(lambda: Event.objects.filter(stream="queue", stream_id=0, pos__isnull=False).exists(), 60, "it")
            settled(crowd)
            verdict(desk, crowd.clients)
    tell(f"open transaction: p99 of the others {late * 1000:.0f} ms", full=full)
    if full:
        assert late < 1.5


def open_transaction() -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(**parameters("test") | {"autocommit": False})


def test_rolling_restarts_lose_nothing_and_spread_who_returns(full: bool) -> None:
    desk = open_desk()
    with fleet(2) as running:
        chance = random.Random(3)
        crowd = Crowd(desk.clients(30 if full else 12, lambda: running.pick(chance), seed=3))
        with crowd, Writers(desk).writing() as writers:
            wait_until(crowd.all_live, 60, "all clients live")
            scene = Scene(running, crowd, Proxy(lambda: 0), chance)
            for _ in range(10 if full else 2):
                deploy(scene)
                running.ready()
            writers.done.set()
            settled(crowd)
            told = verdict(desk, crowd.clients)
    tell(f"rolling restarts: {told}, slowest end {max(scene.ends):.1f} s", full=full)
    waits = [wait for client in crowd.clients for wait in client.waits]
    assert len(waits) >= (30 if full else 6)
    assert 0 <= min(waits) < max(waits) <= 6000


def test_the_keeper_may_die_too(full: bool) -> None:
    """Three candidates for sequencer in three processes; whichever leads is killed, the numbers go on."""
    desk = open_desk()
    with fleet() as running, processes.keeper(SECRET_KEY=settings.SECRET_KEY) as keeper:
        crowd = Crowd(desk.clients(6, lambda: running.ports[0]))
        with crowd, Writers(desk).writing() as writers:
            wait_until(crowd.all_live, 60, "all clients live")
            for _ in range(5 if full else 1):
                kill_sequencer(Scene(running, crowd, Proxy(lambda: 0), random.Random(1)))
                time.sleep(0.7)
            os.kill(keeper.pid, signal.SIGKILL)
            time.sleep(1)
            writers.done.set()
            settled(crowd)
            told = verdict(desk, crowd.clients)
    tell(f"sequencer sessions killed, then the keeper: {told}", full=full)


def losses(crowd: Crowd) -> int:
    return sum(client.counts["silent losses"] + client.counts["gaps"] for client in crowd.clients)


def swallow_one(proxy: Proxy, crowd: Crowd, within: float) -> float:
    """Take one message out of a line that stays: how many seconds until its client noticed. A line that broke by itself
    meanwhile (a machine that stood still) is made good by its return, and says nothing about the count: another is taken.
    """
    for _ in range(5):
        noticed, broke = losses(crowd), dead_lines(crowd)
        proxy.lose_next = 1
        wait_until(lambda: proxy.lose_next == 0, 30, "a message to swallow")
        started = time.monotonic()
        wait_until(
            lambda n=noticed, b=broke: losses(crowd) > n or dead_lines(crowd) > b, within, "the client to notice"
        )
        if losses(crowd) > noticed:
            return time.monotonic() - started
    raise AssertionError(f"five times a line broke before its client could notice: {dead_lines(crowd)} dead lines")


def dead_lines(crowd: Crowd) -> int:
    return sum(client.counts["dead lines"] for client in crowd.clients)


def test_the_client_notices_a_line_that_swallowed_a_message(full: bool) -> None:
    """L9: a live socket, one message gone, nothing else wrong: the count tells within one heartbeat."""
    slowest = 0.0
    desk = open_desk()
    with fleet() as running:
        proxy = Proxy(lambda: running.ports[0])
        crowd = Crowd(desk.clients(4, lambda: proxy.port))
        crowd.loop.run_until_complete(proxy.start())
        with crowd, Writers(desk, rate=20).writing() as writers:
            wait_until(crowd.all_live, 60, "all clients live")
            for _ in range(10 if full else 2):
                slowest = max(slowest, swallow_one(proxy, crowd, 15 if full else 60))
            writers.done.set()
            settled(crowd)
            verdict(desk, crowd.clients)
            crowd.do(proxy.stop())
    tell(f"swallowed messages: the slowest noticed after {slowest:.1f} s", full=full)
