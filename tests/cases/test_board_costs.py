"""What the board costs, however large the house is, and what is told of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases import board, figures
from cases.models import Presence, Queue
from crm.live.streams import Happening, plan
from crm.models import Event, User
from tests.builders import make_case, make_queue, make_user
from tests.cases.test_board import _fresh, client_of, lea

__all__ = ["_fresh", "lea"]  # its fixtures

pytestmark = pytest.mark.django_db


# --- what it costs


@pytest.mark.parametrize("size", [1, 12])
def test_a_board_costs_the_same_however_many_queues_people_and_cases(
    billing: Queue, lea: User, size: int, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(size):
        reps = [make_user(f"Rep {n} {k}", username=f"rep{n}-{k}") for k in range(2)]
        queue = make_queue(f"Queue {n}", reps=reps, leads=[lea])
        for rep in reps:
            make_case(queue, assignee=rep, waiting_since=timezone.now())
    desk = client_of(lea)
    desk.get("/board/")
    board.forget()
    with django_assert_max_num_queries(17) as asked:
        desk.get("/board/")
    costs = len(asked.captured_queries)
    monkeypatch.setattr(board, "FRESH", timedelta(hours=1))  # a loaded machine takes longer than a second
    with django_assert_max_num_queries(costs - 10):  # who asks, what they lead, where the log is
        desk.get("/board/")


@pytest.mark.parametrize("size", [1, 40])
def test_a_list_behind_a_number_costs_the_same_however_long(
    billing: Queue, lea: User, size: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(size):
        make_case(billing, waiting_since=timezone.now())
    desk = client_of(lea, hx_request="true")
    with django_assert_max_num_queries(8):
        desk.get(f"/queues/{billing.pk}/figures/waiting/")


@pytest.mark.django_db(transaction=True)
def test_fifty_boards_that_ask_at_once_read_each_queue_once(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[list[int]] = []
    real = figures.of

    def counted(queues: list[Queue], now: datetime) -> Any:
        reads.append([queue.pk for queue in queues])
        return real(queues, now)

    monkeypatch.setattr(figures, "of", counted)
    now = timezone.now()

    def ask(n: int) -> int:
        try:
            return len(board.stands([billing], now + timedelta(milliseconds=n * 15)))
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(50))) == [1] * 50
    assert reads == [[billing.pk]]
    board.stands([billing], now + timedelta(seconds=1.8))
    assert len(reads) == 2


# --- what is told


def test_what_moves_is_told_once_a_tick_and_tells_nothing_of_a_case(
    billing: Queue, technical: Queue, ana: User
) -> None:
    case = make_case(billing)
    case.claim(by=ana)
    case.set_priority("high", by=ana)
    case.transfer(technical, by=ana)
    Presence.objects.of(ana).choose("busy", by=ana)
    names = [name for name in Happening.__dataclass_fields__ if name != "pos"]
    happened = enumerate(Event.objects.order_by("pk"), 1)
    events = [Happening(pos=pos, **{name: getattr(event, name) for name in names}) for pos, event in happened]
    told = [fragment for fragment in plan(events) if fragment.topic.startswith("board.")]
    topics = sorted({(f.topic, f.part, f.kind) for f in told})
    assert topics == [(f"board.{q}", "board", "moved") for q in sorted([billing.pk, technical.pk])]
    assert all(f.html is None and not f.extra and f.subject in {billing.pk, technical.pk} for f in told)
    assert len({f.key for f in told}) == 2
