"""Numbers are gapless, in an order everyone agrees on, whoever writes and whoever dies (L7, L12)."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from cases.models import Queue
from crm.live import sequencer
from crm.live.database import parameters
from crm.models import Event, Heartbeat, Installation
from tests.builders import make_queue
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def candidates(how_many: int) -> Iterator[threading.Event]:
    stop = threading.Event()
    threads = [threading.Thread(target=sequencer.run, args=[stop], daemon=True) for _ in range(how_many)]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def leaders() -> list[int]:
    """Server pids that hold the sequencer's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [sequencer.LOCK],
        )
        return [pid for (pid,) in cursor.fetchall()]


def leader() -> int:
    return next(iter(leaders()), 0)


def kill(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def write(queue: Queue, *, fail: bool = False) -> None:
    """One event, or none."""

    class Backwards(Exception):
        pass

    try:
        with transaction.atomic():
            queue.record("tested", by=None)
            if fail:
                raise Backwards
    except Backwards:
        pass


def in_threads(work: Callable[[int], None], how_many: int) -> None:
    def guarded(i: int) -> None:
        try:
            work(i)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded, args=[i]) for i in range(how_many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def unnumbered() -> int:
    return Event.objects.filter(pos=None).count()


def assert_gapless() -> None:
    positions = list(Event.objects.order_by("pos").values_list("pos", flat=True))
    assert positions == list(range(1, len(positions) + 1))


def assert_versions_rise_with_positions() -> None:
    seen: dict[int, int] = {}
    for stream_id, version in Event.objects.order_by("pos").values_list("stream_id", "version"):
        assert version == seen.get(stream_id, 0) + 1
        seen[stream_id] = version


def test_what_commits_gets_the_next_number_within_moments() -> None:
    queue = make_queue()
    with candidates(1):
        for _ in range(5):
            write(queue)
        wait_until(lambda: unnumbered() == 0, 30, "the numbers")
    assert_gapless()
    assert Heartbeat.objects.get(name="sequencer").at > timezone.now() - timedelta(seconds=10)


def test_many_writers_and_rollbacks_leave_no_gap_and_keep_each_stream_in_order() -> None:
    queues = [make_queue() for _ in range(4)]
    chance = random.Random(11)
    fails = [chance.random() < 0.1 for _ in range(200)]
    with candidates(1):
        in_threads(lambda i: [write(queues[(i + n) % 4], fail=fails[i * 25 + n]) for n in range(25)] and None, 8)
        wait_until(lambda: unnumbered() == 0, 30, "the numbers")
    assert Counter(Event.objects.values_list("kind", flat=True)) == {"tested": fails.count(False)}
    assert_gapless()
    assert_versions_rise_with_positions()


def test_three_candidates_one_leads_and_killing_it_twenty_times_numbers_nothing_twice(full: bool) -> None:
    queue = make_queue()
    done = threading.Event()

    def keep_writing() -> None:
        while not done.wait(0.005):
            write(queue)
        connections.close_all()

    writer = threading.Thread(target=keep_writing)
    with candidates(3):
        writer.start()
        killed = 0
        for _ in range(20 if full else 4):
            wait_until(lambda had=killed: leader() not in {0, had}, 30, "another leader")
            time.sleep(0.05)
            killed = leader()
            kill(killed)
        done.set()
        writer.join()
        wait_until(lambda: unnumbered() == 0, 30, "the numbers")
    assert_gapless()
    assert_versions_rise_with_positions()


def test_an_open_transaction_holds_up_nobody_else_and_its_event_follows_when_it_commits() -> None:
    early, others = make_queue(), make_queue()
    with candidates(1), psycopg.connect(**parameters("test") | {"autocommit": False}) as open_one:
        open_one.execute(
            "INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data)"
            " VALUES ('queue', %s, 1, 'tested', 'person', '', now(), '{}')",
            [early.pk],
        )
        for _ in range(3):
            write(others)
        wait_until(lambda: Event.objects.filter(pos__isnull=False).count() == 3, 30, "the others' numbers")
        open_one.commit()
        wait_until(lambda: Event.objects.filter(pos__isnull=False).count() == 4, 30, "the late one's number")
    assert Event.objects.get(stream_id=early.pk).pos == 4
    assert_gapless()


def test_a_leader_that_is_frozen_is_unseated_once_events_wait_and_its_heart_has_stopped() -> None:
    queue = make_queue()
    with psycopg.connect(**parameters("frozen")) as frozen:
        frozen.execute("SELECT pg_advisory_lock(%s)", [sequencer.LOCK])
        Heartbeat.objects.create(name="sequencer", at=timezone.now())
        with candidates(1):
            write(queue)
            time.sleep(1)
            assert leaders() == [frozen.info.backend_pid]  # its heart beats: slow is not dead
            Heartbeat.objects.filter(name="sequencer").update(at=timezone.now() - timedelta(minutes=1))
            wait_until(lambda: unnumbered() == 0, 30, "a new leader's number")
        wait_until(lambda: leaders() == [], 30, "the last session to end")


def test_a_number_once_given_cannot_be_changed() -> None:
    queue = make_queue()
    with candidates(1):
        write(queue)
        wait_until(lambda: unnumbered() == 0, 30, "the number")
    with pytest.raises(Exception, match="append-only"):
        Event.objects.update(pos=77)
    assert Event.objects.get().pos == 1


def test_the_position_of_a_page_names_epoch_and_last_number() -> None:
    from crm.live import position

    queue = make_queue()
    epoch = Installation.objects.get().epoch
    assert position() == f"{epoch}:0"
    with candidates(1):
        write(queue)
        wait_until(lambda: unnumbered() == 0, 30, "the number")
    assert position() == f"{epoch}:1"
