"""Limits count in the database, exactly, whoever asks at once; sources are believed as far as our proxies wrote them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import RequestFactory

from crm.limits import allow, forget, network_of
from crm.models import LimitCount

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_the_limit_holds_for_a_window_and_the_next_window_begins_anew() -> None:
    def ask(at: datetime, source: str = "192.0.2.7") -> bool:
        return allow("form", source, limit=3, seconds=600, now=at)

    assert [ask(NOON + timedelta(seconds=n)) for n in range(5)] == [True, True, True, False, False]
    assert ask(NOON, source="192.0.2.8")
    assert not ask(NOON + timedelta(seconds=599))
    assert ask(NOON + timedelta(seconds=600))


@pytest.mark.django_db
def test_no_address_is_kept_and_old_counts_go() -> None:
    allow("form", "carl@example.org", limit=3, seconds=600, now=NOON)

    assert "carl" not in str(list(LimitCount.objects.values_list("key", flat=True)))
    assert forget(NOON + timedelta(days=1)) == 0
    assert forget(NOON + timedelta(days=3)) == 1
    assert not LimitCount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_exactly_the_limit_get_through() -> None:
    gate = Barrier(20)

    def ask(_n: int) -> bool:
        try:
            gate.wait(10)
            return allow("form", "192.0.2.7", limit=7, seconds=600, now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(ask, range(20))) == 7


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "network"),
    [
        (0, "192.0.2.7", "", "192.0.2.7"),
        (0, "192.0.2.7", "203.0.113.9", "192.0.2.7"),  # nobody's word but the socket's
        (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),  # what the visitor wrote before our proxy
        (2, "10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "10.0.0.1", "203.0.113.9", "10.0.0.1"),  # fewer than our proxies: it passed by them
        (1, "10.0.0.1", "nonsense", "unknown"),
        (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        (0, "::ffff:192.0.2.7", "", "192.0.2.7"),
        (0, "", "", "unknown"),
    ],
)
def test_a_source_is_the_address_our_outermost_proxy_saw(settings, proxies, remote, forwarded, network) -> None:
    settings.AXES_IPWARE_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    assert network_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)) == network
