"""Numbering the log: one leader, whoever holds the advisory lock, gives `pos` to committed events in one order.

An id is taken when a row is written, but rows become visible when they commit: following ids loses what commits late.
A number given after commit is gapless, the same for every reader, and held up by nobody's open transaction.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg
from psycopg.rows import TupleRow

from crm.live.database import LIVE_CHANNEL, WAKE_CHANNEL, parameters

log = logging.getLogger(__name__)

LOCK = 0x466F7265  # "Fore": the key of the session advisory lock, scoped by PostgreSQL to this database
BATCH = 1000
IDLE = 0.08  # how long unannounced events wait at most
BUSY = 0.003  # what commits within this shares a batch
STAND_BY = 0.4  # how often a candidate tries for the lock
BEAT = 2.0
FROZEN = 6  # seconds without a heartbeat while events wait: the leader is stopped, not slow

Connection = psycopg.Connection[TupleRow]

# One statement, one transaction: readers see a whole batch or none, and the notice leaves with its commit.
_NUMBER = f"""
WITH top AS (SELECT COALESCE(max(pos), 0) AS pos FROM crm_event),
     fresh AS MATERIALIZED (SELECT id FROM crm_event WHERE pos IS NULL ORDER BY id LIMIT {BATCH}),
     placed AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY id) AS n FROM fresh),
     numbered AS (UPDATE crm_event e SET pos = top.pos + placed.n FROM placed, top WHERE e.id = placed.id RETURNING e.pos)
SELECT count(*), max(pos), pg_notify('{LIVE_CHANNEL}', max(pos)::text) FROM numbered HAVING count(*) > 0
"""  # noqa: S608 - constants only
_BEAT = """
INSERT INTO crm_heartbeat (name, at, detail) VALUES ('sequencer', clock_timestamp(), %s)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail
"""
# A stopped process keeps its session and its lock. Only its own role may end a session, and a session that is ended
# cannot number any more, so taking over can never number twice.
_UNSEAT = f"""
SELECT pg_terminate_backend(l.pid) FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = {LOCK} AND l.objsubid = 1 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND EXISTS (SELECT 1 FROM crm_event WHERE pos IS NULL)
  AND NOT EXISTS (SELECT 1 FROM crm_heartbeat
                  WHERE name = 'sequencer' AND at > clock_timestamp() - interval '{FROZEN} seconds')
"""  # noqa: S608 - constants only


def run(stop: threading.Event) -> None:
    """Lead or stand by until told to stop. Any number of processes may run this at once; a lost connection, leader or
    database is got over within a second or two of its return."""
    while not stop.is_set():
        try:
            with _session() as conn:
                _serve(conn, stop)
        except psycopg.Error as error:
            log.warning("sequencer: %s; trying again", type(error).__name__)
            stop.wait(0.2)


@contextmanager
def _session() -> Iterator[Connection]:
    """A session that plans by index whatever the statistics say, and whose numbers survive a crash once seen: a number
    given twice would hide an event from everyone whose cursor is past it."""
    conn = psycopg.connect(**parameters("sequencer"))
    try:
        for setting in ("jit = off", "enable_hashjoin = off", "enable_mergejoin = off", "synchronous_commit = on"):
            conn.execute(f"SET {setting}")
        yield conn
    finally:
        conn.close()


def _serve(conn: Connection, stop: threading.Event) -> None:
    while not stop.is_set():
        if _is_leader(conn):
            log.info("sequencer: leading")
            _lead(conn, stop)
        else:
            conn.execute(_UNSEAT)
            stop.wait(STAND_BY)


def _is_leader(conn: Connection) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])


def _lead(conn: Connection, stop: threading.Event) -> None:
    conn.execute(f"LISTEN {WAKE_CHANNEL}")
    beaten = -BEAT
    while not stop.is_set():
        if monotonic() - beaten >= BEAT:
            beaten = _beat(conn)
        if number(conn):
            stop.wait(BUSY)
        else:
            _await_work(conn)


def number(conn: Connection) -> int:
    """Give the next numbers to what has committed; how many events got one (at most BATCH)."""
    row = conn.execute(_NUMBER, prepare=True).fetchone()
    return int(row[0]) if row else 0


def _await_work(conn: Connection) -> None:
    for _notice in conn.notifies(timeout=IDLE, stop_after=1):
        return


def _beat(conn: Connection) -> float:
    conn.execute(_BEAT, [json.dumps({"host": socket.gethostname(), "pid": os.getpid()})])
    return monotonic()
