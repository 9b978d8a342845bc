"""Slow readers, storms of returning sockets, rights taken away in the middle of a stream (L8, L11, L41)."""

import json
import socket as sockets
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session

from cases.models import QueueMembership
from tests import processes
from tests.faults.client import Client, Crowd
from tests.faults.desk import Desk, Writers, fleet, lags, open_desk, percentile, settled, verdict
from tests.faults.figures import tell

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def resident(pid: int) -> int:
    """Bytes of memory a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def never_reads(port: int, client: Client) -> sockets.socket:
    """Open a socket as this client would, watch, and read nothing any more."""
    line = sockets.socket()
    line.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", port))
    line.sendall(
        f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Cookie: {client.cookie}\r\n\r\n".encode()
    )
    text = json.dumps({"watch": client.topics}).encode()
    head = bytes((0x81, 0x80 | len(text))) if len(text) < 126 else b"\x81\xfe" + len(text).to_bytes(2, "big")
    line.sendall(head + b"\0\0\0\0" + text)
    return line


def test_a_reader_that_stopped_costs_bounded_memory_and_nobody_elses_time(full: bool) -> None:
    desk = open_desk()
    with fleet() as running:
        server = running.servers[running.ports[0]]
        others = desk.clients(8, lambda: running.ports[0])
        stuck = desk.clients(5, lambda: running.ports[0], seed=9)
        crowd = Crowd(others)
        with crowd, Writers(desk, rate=200 if full else 80, threads=4, size=20_000).writing() as writers:
            processes.wait_until(crowd.all_live, 60, "all clients live")
            time.sleep(20 if full else 1)  # the work itself grows a young process: what the stuck add is asked here
            before = resident(server.pid)
            for client in stuck:
                client.topics = [f"case.{case.number}" for case in desk.cases] + client.topics[:1]
            lines = [never_reads(running.ports[0], client) for client in stuck]
            since = time.monotonic()
            time.sleep(60 if full else 4)
            grown = resident(server.pid) - before
            late = percentile(lags(writers, others, since), 0.99)
            writers.done.set()
            settled(crowd)
            verdict(desk, others)
            for line in lines:
                line.close()
    tell(f"5 stuck readers: {grown / 1e6:.0f} MB more, p99 of the others {late * 1000:.0f} ms", full=full)
    assert grown < 50_000_000
    if full:
        assert late < 1.5


def test_a_storm_of_returning_sockets_loses_nothing_and_pages_are_still_served(full: bool) -> None:
    desk = open_desk()
    with fleet() as running:
        port = running.ports[0]
        crowd = Crowd(desk.clients(500 if full else 60, lambda: port))
        with crowd, Writers(desk, rate=10).writing() as writers:
            processes.wait_until(crowd.all_live, 60, "all clients live")
            pages(desk, port, 5)  # the first ones load templates
            quiet = pages(desk, port, 40 if full else 8)
            crowd.drop(crowd.clients)
            storm = pages(desk, port, 40 if full else 8)
            processes.wait_until(crowd.all_live, 60, "all clients back")
            writers.done.set()
            settled(crowd, 60)
            verdict(desk, crowd.clients)
    tell(
        f"case page p95: {quiet * 1000:.0f} ms quiet, {storm * 1000:.0f} ms while {len(crowd.clients)} return",
        full=full,
    )
    if full:
        assert storm < max(2 * quiet, 0.1)


def pages(desk: Desk, port: int, how_many: int) -> float:
    """The 95th percentile of opening a case, ten a second, in seconds."""
    numbers = [desk.cases[n % len(desk.cases)].number for n in range(how_many)]
    addresses = [f"http://127.0.0.1:{port}/cases/{number}/" for number in numbers]
    argv = [sys.executable, "-m", "tests.faults.browse", desk.cookie(desk.reps[0]), *addresses]
    return float(subprocess.run(argv, cwd=processes.ROOT, check=True, capture_output=True, text=True).stdout)


def rows_of(client: Client) -> dict[tuple[str, int, str], int]:
    return {key: version for key, version in client.states.items() if key[2] == "row"}


def test_rights_taken_in_the_middle_of_a_stream_end_it_within_two_seconds(full: bool) -> None:
    desk = open_desk()
    with fleet() as running:
        leaver, signed_out, stays = clients = [
            Client(lambda: running.ports[0], desk.cookie(rep), [f"queue.{desk.queue.pk}", "me"], cursor=desk.since)
            for rep in desk.reps
        ]
        crowd = Crowd(clients)
        with crowd, Writers(desk, rate=20).writing():
            processes.wait_until(crowd.all_live, 60, "all clients live")
            QueueMembership.objects.filter(user=desk.reps[0]).delete()
            Session.objects.filter(pk=signed_out.cookie.partition("=")[2]).delete()
            began = time.monotonic()
            cut_off = 2 if full else 15
            processes.wait_until(lambda: leaver.refused and 4401 in signed_out.codes, cut_off, "both to be cut off")
            tell(f"rights taken: cut off after {time.monotonic() - began:.2f} s", full=full)
            time.sleep(0.2)
            had, went_on = [rows_of(client) for client in (leaver, signed_out)], stays.counts["events"]
            processes.wait_until(lambda: stays.counts["events"] > went_on + 10, 30, "the third to hear more")
            assert [rows_of(client) for client in (leaver, signed_out)] == had
    assert leaver.refused == [f"queue.{desk.queue.pk}"]
