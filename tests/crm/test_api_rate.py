"""A token may ask so often a minute; the doors of channels are not counted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from cases.models import Case, InboundItem, Queue
from crm import limits
from crm.models import LimitCount, User
from tests.api import Caller
from tests.channels import make_channel, message, post

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_held", {})


def often(at: datetime, source: str = "token 1", *, limit: int = 300) -> bool:
    return limits.allow_often("api", source, limit=limit, seconds=60, now=at)


@pytest.mark.django_db
def test_the_call_after_the_last_is_refused_until_the_next_minute(ana: User, billing: Queue, settings) -> None:
    settings.API_RATE = 3
    call = Caller(ana)
    answers = [call.post("cases/", {"queue": billing.pk, "subject": "Late"}) for _n in range(5)]
    # A minute may have turned in between; then the fourth or fifth is allowed again.
    assert [a.status_code for a in answers[:3]] == [201] * 3
    refused = [a for a in answers if a.status_code == 429]
    assert Case.objects.count() == len(answers) - len(refused)
    for answer in refused:
        assert answer["Content-Type"] == "application/problem+json"
        assert 0 < int(answer["Retry-After"]) <= 60
        assert "3 times a minute" in answer.json()["detail"]


@pytest.mark.django_db
def test_each_token_has_its_own_and_zero_is_no_limit(ana: User, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.rest.timezone.now", lambda: NOON)
    settings.API_RATE = 1
    one, other = Caller(ana), Caller(ana)
    assert [c.get("me/").status_code for c in (one, one, other, other)] == [200, 429, 200, 429]
    settings.API_RATE = 0
    assert one.get("me/").status_code == 200


@pytest.mark.django_db
def test_a_refused_key_is_free_for_its_command(ana: User, billing: Queue, settings) -> None:
    """A call that was only too early had no effect, and its Idempotency-Key is not used up."""
    call, body = Caller(ana), {"queue": billing.pk}
    settings.API_RATE = 1
    call.get("me/")
    first = call.post("cases/", body, Idempotency_Key="k1")
    settings.API_RATE = 0
    again = call.post("cases/", body, Idempotency_Key="k1")
    assert first.status_code in {201, 429}
    assert again.status_code == 201
    assert Case.objects.count() == 1


@pytest.mark.django_db
def test_the_door_of_a_channel_loses_nothing_when_tokens_are_out_of_calls(billing: Queue, ana: User, settings) -> None:
    settings.API_RATE = 1
    call = Caller(ana)
    call.get("me/")
    call.get("me/")
    shop = make_channel(billing)
    codes = [post(Client(), shop, message(f"part {n}"), webhook_id=f"e{n}").status_code for n in range(20)]
    assert codes == [201] * 20
    assert InboundItem.objects.filter(state="done").count() == 20


@pytest.mark.django_db
def test_of_a_hundred_calls_one_asks_the_database(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(3):
        assert all(often(NOON) for _n in range(9))


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 7, 99, 100, 101, 250, 1000])
def test_the_limit_is_exact_in_one_process_and_a_window_begins_anew(limit: int) -> None:
    assert sum(often(NOON, limit=limit) for _n in range(limit + 50)) == limit
    assert not often(NOON + timedelta(seconds=59), limit=limit)
    assert often(NOON, "token 2", limit=limit)
    assert often(NOON + timedelta(seconds=60), limit=limit)
    assert len(limits._held) == 1, "windows that are over are forgotten"


@pytest.mark.django_db
def test_two_processes_together_stay_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    told = 0
    first: dict[str, tuple[int, int]] = {}
    second: dict[str, tuple[int, int]] = {}
    for n in range(700):
        monkeypatch.setattr(limits, "_held", (first, second)[n % 2])
        told += often(NOON)
    assert told == 300


@pytest.mark.django_db(transaction=True)
def test_threads_at_once_never_get_more() -> None:
    gate = threading.Barrier(16)

    def ask(_n: int) -> int:
        try:
            gate.wait(20)
            return sum(often(NOON, limit=200) for _m in range(40))
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(16))) <= 200
    assert LimitCount.objects.count() == 1
