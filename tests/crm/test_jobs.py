"""Wake-ups, sweeps and the keeper's turns, without processes (those are in tests/faults)."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from django_q.models import OrmQ

from crm import jobs
from crm.broker import Broker
from crm.keeper import Keeper, Turn
from crm.models import Wake

HERE = "tests.crm.test_jobs"
done: list[object] = []


@jobs.wakeable
def flow(*subject: int) -> None:
    done.append(subject)


@jobs.wakeable
def asks_again() -> None:
    """Its own ask, made and turned away while it runs."""
    done.append("asks")
    if len(done) < 3:
        jobs.wake(f"{HERE}.asks_again")
        jobs.run(Wake.objects.latest("pk").pk)


@jobs.wakeable
def broken() -> None:
    done.append("broken")
    raise RuntimeError("ana.torres@example.org")


@jobs.wakeable
def loses_its_line() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()


def tasks() -> list[int]:
    """The wake-ups whose tasks wait in django-q2's queue."""
    return [row.task["args"][0] for row in OrmQ.objects.order_by("id")]


def work() -> None:
    """What a worker group does: take every task, run it, acknowledge it."""
    broker = Broker()
    while rows := broker.dequeue():
        for pk, _payload in rows:
            jobs.run(OrmQ.objects.get(pk=pk).task["args"][0])
            broker.acknowledge(pk)


# --- waking


@pytest.mark.django_db
def test_what_is_woken_runs_once_and_is_gone() -> None:
    jobs.wake(f"{HERE}.flow", 7)
    jobs.wake(f"{HERE}.flow")
    work()
    assert done == [(7,), ()]
    assert not Wake.objects.exists()


@pytest.mark.django_db
def test_a_hundred_asks_for_one_flow_make_one_task_and_one_run() -> None:
    for _ in range(100):
        jobs.wake(f"{HERE}.flow", 7)
    assert len(tasks()) == 1
    work()
    assert done == [(7,)]
    assert not Wake.objects.exists()


@pytest.mark.django_db
def test_only_registered_flows_can_be_woken() -> None:
    with pytest.raises(LookupError, match="wakeable"):
        jobs.wake("os.abort")
    assert not Wake.objects.exists()
    assert not OrmQ.objects.exists()


@pytest.mark.django_db
def test_a_row_that_names_another_function_is_parked_and_never_called() -> None:
    row = Wake.objects.create(path="os.abort")
    jobs.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == (Wake.PARKED, "unknown flow")


@pytest.mark.django_db(transaction=True)
def test_an_ask_goes_with_the_transaction_it_was_made_in() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        jobs.wake(f"{HERE}.flow")
        raise RuntimeError
    assert not Wake.objects.exists()
    assert not OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hung_writer_delays_nobody_elses_wake_up() -> None:
    asked, hang = threading.Event(), threading.Event()

    def hung() -> None:
        with transaction.atomic():
            jobs.wake(f"{HERE}.flow", 1)
            asked.set()
            hang.wait(10)
        connection.close()

    writer = threading.Thread(target=hung)
    writer.start()
    asked.wait(5)
    began = time.monotonic()
    jobs.wake(f"{HERE}.flow", 1)
    work()
    assert time.monotonic() - began < 5
    assert done == [(1,)]
    hang.set()
    writer.join()
    work()
    assert done == [(1,), (1,)], "what committed later is done later"


@pytest.mark.django_db(transaction=True)
def test_an_ask_that_came_too_late_for_the_task_it_relied_on_is_found() -> None:
    """T1's task is taken and done before T2, which saw it waiting and made none of its own, commits."""
    jobs.wake(f"{HERE}.flow", 1)
    late = threading.Thread(target=relying, args=(went := threading.Event(), commit := threading.Event()))
    late.start()
    went.wait(5)
    work()
    commit.set()
    late.join()
    assert done == [(1,)]
    assert not tasks()
    assert jobs.requeue(timezone.now(), patience=0) == 1
    work()
    assert done == [(1,), (1,)]
    assert not Wake.objects.exists()


def relying(went: threading.Event, commit: threading.Event) -> None:
    with transaction.atomic():
        jobs.wake(f"{HERE}.flow", 1)
        went.set()
        commit.wait(5)
    connection.close()


# --- failing


@pytest.mark.django_db
def test_a_failing_flow_waits_longer_each_time_and_is_parked_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    jobs.wake(f"{HERE}.broken")
    for attempt in range(1, settings.TASK_ATTEMPTS + 1):
        Wake.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        jobs.requeue(timezone.now(), patience=-1)
        work()
        assert len(done) == attempt
    row = Wake.objects.get()
    assert (row.state, row.attempts, row.error) == (Wake.PARKED, settings.TASK_ATTEMPTS, "RuntimeError")
    assert jobs.requeue(timezone.now(), patience=-1) == 0
    assert "ana.torres" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_flow_that_lost_its_connection_is_put_back_at_once_not_when_its_lease_ends() -> None:
    row = Wake.objects.create(path=f"{HERE}.loses_its_line")
    jobs.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == (Wake.WAITING, 1, "OperationalError")


@pytest.mark.django_db
def test_a_pause_is_kept() -> None:
    jobs.wake(f"{HERE}.broken")
    work()
    assert jobs.requeue(timezone.now(), patience=-1) == 0
    assert Wake.objects.get().due_at > timezone.now()


@pytest.mark.django_db
def test_a_worker_that_died_is_noticed_by_its_lease_and_its_attempt_counts() -> None:
    row = Wake.objects.create(path=f"{HERE}.flow", subject=3)
    assert row.claim(seconds=-1)
    assert jobs.requeue(timezone.now(), patience=-1) == 1
    work()
    assert done == [(3,)]


@pytest.mark.django_db
def test_a_run_that_outlived_its_lease_does_not_speak_for_its_successor() -> None:
    first = Wake.objects.create(path=f"{HERE}.flow")
    assert first.claim(seconds=-1)
    jobs.requeue(timezone.now(), patience=-1)
    second = Wake.objects.get()
    assert second.claim(seconds=60)
    first.put_back("TooLate")
    first.finish()
    second.refresh_from_db()
    assert (second.state, second.attempts, second.error) == (Wake.RUNNING, 2, "worker died")


@pytest.mark.django_db
def test_one_flow_and_subject_never_runs_twice_at_once() -> None:
    first = Wake.objects.create(path=f"{HERE}.flow")
    assert first.claim(seconds=60)
    jobs.wake(f"{HERE}.flow")
    work()
    assert not done


@pytest.mark.django_db
def test_what_is_asked_during_a_run_is_done_after_it() -> None:
    jobs.wake(f"{HERE}.asks_again")
    work()
    assert done == ["asks", "asks", "asks"]
    assert not Wake.objects.exists()


@pytest.mark.django_db
def test_dead_workers_are_not_buried_in_tasks() -> None:
    Wake.objects.bulk_create(Wake(path=f"{HERE}.flow", subject=n) for n in range(1, 4))
    OrmQ.objects.bulk_create(OrmQ(key="forefront", payload="x", lock=timezone.now()) for _ in range(jobs.MAX_QUEUED))
    assert jobs.requeue(timezone.now(), patience=-1) == 0


# --- the queue


@pytest.mark.django_db
def test_tasks_leave_in_order_and_the_own_canary_first() -> None:
    shared, mine, other = Broker(), Broker(jobs.canary_key(settings.INSTANCE)), Broker(jobs.canary_key("elsewhere"))
    ids = [shared.enqueue("a"), shared.enqueue("b")]
    canary = mine.enqueue("c")
    foreign = other.enqueue("d")
    taken = [row[0][0] for _ in range(3) if (row := Broker().dequeue())]
    assert taken == [canary, *ids]
    assert Broker().dequeue() is None, f"{foreign} is another group's"


@pytest.mark.django_db(transaction=True)
def test_two_groups_never_take_the_same_task() -> None:
    for n in range(40):
        Broker().enqueue(str(n))
    taken: list[int] = []

    def take() -> None:
        while rows := Broker().dequeue():
            taken.append(rows[0][0])
        connections.close_all()

    groups = [threading.Thread(target=take) for _ in range(4)]
    for group in groups:
        group.start()
    for group in groups:
        group.join()
    assert len(taken) == 40 == len(set(taken))


# --- the keeper's turns


def sweep(function: jobs.SweepFunction = lambda now: 0, seconds: float = 10, limit: float = 300) -> jobs.Sweep:
    return jobs.Sweep("a sweep", seconds, function, limit)


def test_a_sweep_with_work_is_called_again_at_once_but_not_for_ever() -> None:
    turn = Turn(sweep())
    turn.worked(5, now=100)
    assert turn.due == 100
    turn.worked(0, now=101)
    assert turn.due == 111
    for _ in range(jobs.MAX_ROUNDS):
        turn.worked(5, now=200)
    assert turn.due == 210


def test_a_failing_sweep_is_tried_less_and_less_often_and_recovers() -> None:
    turn = Turn(sweep(seconds=1))
    waits = []
    for _ in range(8):
        turn.failed(now=0)
        waits.append(turn.due)
    assert waits == sorted(waits)
    assert waits[0] == 2
    assert waits[-1] == 30
    turn.worked(0, now=0)
    assert turn.due == 1


def test_a_sweep_that_is_busy_is_not_started_twice_and_a_nudge_is_kept_for_afterwards() -> None:
    turn = Turn(sweep(), due=0, began=1.0, nudged=True)
    assert not turn.is_due(5)
    turn.began = None
    turn.worked(0, now=5)
    assert turn.is_due(5)


@pytest.mark.django_db(transaction=True)
def test_one_failing_sweep_never_stops_another() -> None:
    calls: list[str] = []

    def bad(now: datetime) -> int:
        calls.append("bad")
        raise OperationalError("the connection is gone")

    def good(now: datetime) -> int:
        calls.append("good")
        return 0

    keeper = Keeper(threading.Event(), sweeps=[jobs.Sweep("bad", 0.01, bad, 300), jobs.Sweep("good", 0.01, good, 300)])
    runs(keeper, lambda: calls.count("good") >= 5)
    assert "bad" in calls


@pytest.mark.django_db(transaction=True)
def test_a_nudge_after_commit_makes_a_sweep_run_now() -> None:
    calls: list[float] = []

    def patient(now: datetime) -> int:
        calls.append(time.monotonic())
        return 0

    keeper = Keeper(threading.Event(), sweeps=[jobs.Sweep("patient", 600, patient, 900)])

    def nudged() -> bool:
        if len(calls) == 1:
            jobs.nudge("patient")
            time.sleep(0.1)
        return len(calls) >= 2

    runs(keeper, nudged)


def test_a_stuck_sweep_silences_the_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []
    monkeypatch.setattr("crm.lifeline.pulse", lambda: beats.append(1))
    keeper = Keeper(threading.Event(), sweeps=[])
    keeper.turns = {"a": Turn(sweep(limit=300), due=900, began=100.0)}
    keeper.step(now=399)
    assert len(beats) == 1
    keeper.step(now=401)
    assert len(beats) == 1


def runs(keeper: Keeper, until: object) -> None:
    """Run the keeper in a thread until `until()` holds, 10 seconds at most."""
    thread = threading.Thread(target=keeper.run)
    thread.start()
    deadline = time.monotonic() + 10
    try:
        while not until():  # type: ignore[operator]
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        keeper.stop.set()
        keeper.wakeup.set()
        thread.join(10)
        keeper.pool.shutdown(wait=True)
