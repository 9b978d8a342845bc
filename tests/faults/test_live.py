"""No update is lost whatever dies (L1–L3, L6, L7, L10, K9). Full size: 6 kinds of fault × 5 seeds, 30 clients, 60 s."""

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
from tests import processes
from tests.faults.client import Crowd
from tests.faults.desk import Fleet, Writers, fleet, lags, open_desk, percentile, settled, verdict
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


class Scene:
    """What a fault may touch."""

    def __init__(self, servers: Fleet, crowd: Crowd, proxy: Proxy, chance: random.Random) -> None:
        self.servers, self.crowd, self.proxy, self.chance = servers, crowd, proxy, chance


def drop_sockets(scene: Scene) -> None:
    scene.crowd.drop(scene.chance.sample(scene.crowd.clients, max(1, len(scene.crowd.clients) // 2)))


def kill_server(scene: Scene) -> None:
    port = scene.servers.pick(scene.chance)
    scene.servers.servers[port].kill(signal.SIGKILL)
    scene.servers.restart(port)


def deploy(scene: Scene) -> None:
    """SIGTERM, gone within 5 s, started again."""
    port = scene.servers.pick(scene.chance)
    started = time.monotonic()
    scene.servers.servers[port].stop(8)
    assert time.monotonic() - started <= 5
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


def run(kind: str, seed: int, *, clients: int, seconds: float, servers: int = 1, rate: float = 40.0) -> None:
    """Write at a fixed rate, hurt something every 1.5 to 3 s, then hold what every client applied against the log."""
    desk = open_desk()
    chance = random.Random(seed)
    with fleet(servers) as running:
        proxy = Proxy(lambda: running.pick(chance))
        crowd = Crowd(desk.clients(clients, lambda: proxy.port, seed=seed))
        crowd.loop.run_until_complete(proxy.start())
        with crowd, Writers(desk, rate=rate, seed=seed).writing() as writers:
            processes.wait_until(crowd.all_live, 10, "all clients live")
            scene = Scene(running, crowd, proxy, chance)
            end = time.monotonic() + seconds
            faults = 0
            while time.monotonic() < end:
                FAULTS[kind](scene)
                faults += 1
                time.sleep(chance.uniform(1.5, 3) if seconds > 10 else 0.5)
            running.ready()
            quiet = time.monotonic() + 2
            time.sleep(3)
            writers.done.set()
            settled(crowd)
            told = verdict(desk, crowd.clients)
            after = lags(writers, crowd.clients, quiet)
            crowd.do(proxy.stop())
    counts = [client.counts for client in crowd.clients]
    print(
        f"\n{kind} seed {seed}: {faults} faults, {told['events']} events, {writers.undone} undone, {told['deliveries']} "
        f"deliveries, lost 0, repeated {sum(c['duplicates'] for c in counts)}, p99 after the last fault "
        f"{percentile(after, 0.99) * 1000:.0f} ms"
    )
    assert told["events"] > seconds * rate / 3
    assert writers.undone > 0


@pytest.mark.parametrize("kind", FAULTS)
def test_nothing_is_lost_nothing_made_up_all_in_order_once(kind: str, full: bool) -> None:
    for seed in range(1, 6) if full else [1]:
        if seed > 1:
            _empty()
        run(kind, seed, clients=30 if full else 10, seconds=60 if full else 3)


def _empty() -> None:
    """As between two tests."""
    from tests.database import EMPTY, KEPT

    kept = ", ".join(f"'{name}'" for name in KEPT)
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; {EMPTY.format(kept=f'ARRAY[{kept}]')} COMMIT;")


def test_two_servers_on_two_ports_share_one_log_while_one_of_them_dies(full: bool) -> None:
    run("kill_server", 7, clients=30 if full else 10, seconds=60 if full else 3, servers=2)


def test_with_every_notify_suppressed_updates_still_arrive(full: bool) -> None:
    desk = open_desk()
    with fleet(app="tests.faults.deaf:application") as running:
        crowd = Crowd(desk.clients(30 if full else 8, lambda: running.ports[0]))
        with crowd, Writers(desk, rate=20).writing() as writers:
            processes.wait_until(crowd.all_live, 10, "all clients live")
            since = time.monotonic()
            time.sleep(60 if full else 3)
            writers.done.set()
            settled(crowd)
            verdict(desk, crowd.clients)
    late = percentile(lags(writers, crowd.clients, since), 0.99)
    print(f"\nno NOTIFY: p99 {late * 1000:.0f} ms")
    assert late < 1.5


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
            processes.wait_until(crowd.all_live, 10, "all clients live")
            since = time.monotonic()
            time.sleep(30 if full else 3)
            late = percentile(lags(writers, crowd.clients, since), 0.99)
            writers.done.set()
            other.commit()
            settled(crowd)
            verdict(desk, crowd.clients)
    print(f"\nopen transaction: p99 of the others {late * 1000:.0f} ms")
    assert late < 1.5


def open_transaction() -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(**parameters("test") | {"autocommit": False})


def test_rolling_restarts_lose_nothing_and_spread_who_returns(full: bool) -> None:
    desk = open_desk()
    with fleet(2) as running:
        chance = random.Random(3)
        crowd = Crowd(desk.clients(30 if full else 12, lambda: running.pick(chance), seed=3))
        with crowd, Writers(desk).writing() as writers:
            processes.wait_until(crowd.all_live, 10, "all clients live")
            scene = Scene(running, crowd, Proxy(lambda: 0), chance)
            for _ in range(10 if full else 2):
                deploy(scene)
                running.ready()
            writers.done.set()
            settled(crowd, 25)
            verdict(desk, crowd.clients)
    waits = [wait for client in crowd.clients for wait in client.waits]
    assert len(waits) >= (30 if full else 6)
    assert 0 <= min(waits) < max(waits) <= 6000


def test_the_keeper_may_die_too(full: bool) -> None:
    """Three candidates for sequencer in three processes; whichever leads is killed, the numbers go on."""
    desk = open_desk()
    with fleet() as running, processes.keeper(SECRET_KEY=settings.SECRET_KEY) as keeper:
        crowd = Crowd(desk.clients(6, lambda: running.ports[0]))
        with crowd, Writers(desk).writing() as writers:
            processes.wait_until(crowd.all_live, 10, "all clients live")
            for _ in range(5 if full else 1):
                kill_sequencer(Scene(running, crowd, Proxy(lambda: 0), random.Random(1)))
                time.sleep(0.7)
            os.kill(keeper.pid, signal.SIGKILL)
            time.sleep(1)
            writers.done.set()
            settled(crowd)
            verdict(desk, crowd.clients)


def losses(crowd: Crowd) -> int:
    return sum(client.counts["silent losses"] + client.counts["gaps"] for client in crowd.clients)


def test_the_client_notices_a_line_that_swallowed_a_message(full: bool) -> None:
    """L9: a live socket, one message gone, nothing else wrong: the count tells within one heartbeat."""
    desk = open_desk()
    with fleet() as running:
        proxy = Proxy(lambda: running.ports[0])
        crowd = Crowd(desk.clients(4, lambda: proxy.port))
        crowd.loop.run_until_complete(proxy.start())
        with crowd, Writers(desk, rate=20).writing() as writers:
            processes.wait_until(crowd.all_live, 10, "all clients live")
            for _ in range(10 if full else 2):
                noticed = losses(crowd)
                proxy.lose_next = 1
                processes.wait_until(lambda: proxy.lose_next == 0, 5, "a message to swallow")
                started = time.monotonic()
                processes.wait_until(lambda had=noticed: losses(crowd) > had, 15, "the client to notice")
                assert time.monotonic() - started < 15
            writers.done.set()
            settled(crowd)
            verdict(desk, crowd.clients)
            crowd.do(proxy.stop())
