"""L58: /health/ready tells the truth. Each thing is broken in turn and must be named; /health/live asks nothing."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.test import Client

from cases.models import Queue
from crm import health
from crm.events import record
from crm.models import Event, Heartbeat, User
from tests import processes
from tests.builders import make_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def well() -> Iterator[None]:
    """A house in order: worker and keeper have just been heard, the log is numbered."""
    Heartbeat.beat(f"worker:{settings.INSTANCE}")
    Heartbeat.beat(f"keeper:{settings.INSTANCE}")
    return


def reasons(client: Client) -> dict[str, str]:
    """What is not in order, by name; empty when the answer is 200."""
    response = client.get("/health/ready")
    failing = {check["name"]: check["reason"] for check in response.json()["checks"] if not check["ok"]}
    assert response.status_code == (503 if failing else 200)
    return failing


def age(name: str, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crm_heartbeat SET at = clock_timestamp() - make_interval(secs => %s) WHERE name = %s",
            [seconds, name],
        )


def test_a_house_in_order_is_ready(client: Client, well: None) -> None:
    assert reasons(client) == {}
    assert client.get("/health/live").json() == {"live": True}


def test_a_silent_worker_group_is_named(client: Client, well: None) -> None:
    age(f"worker:{settings.INSTANCE}", settings.WATCHDOG_SECONDS + 1)
    assert set(reasons(client)) == {"worker"}


def test_a_silent_keeper_is_named(client: Client, well: None) -> None:
    age(f"keeper:{settings.INSTANCE}", health.KEEPER_SECONDS + 1)
    assert set(reasons(client)) == {"keeper"}


def test_workers_that_never_ran_are_named_with_what_to_do(client: Client) -> None:
    found = reasons(client)
    assert set(found) == {"worker", "keeper"}
    assert "manage.py serve" in found["worker"]


def test_another_machines_workers_do_not_excuse_our_own(client: Client, well: None) -> None:
    Heartbeat.beat("worker:elsewhere:8000")
    age(f"worker:{settings.INSTANCE}", 600)
    assert set(reasons(client)) == {"worker"}


def test_events_that_nobody_numbers_are_named(client: Client, well: None, billing: Queue, ana: User) -> None:
    record(billing, "renamed", by=ana)
    assert Event.objects.filter(pos=None).exists()
    found = reasons(client)
    assert set(found) == {"sequencer"}
    assert "Billing" not in found["sequencer"]


def test_a_missing_migration_is_named(client: Client, well: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'crm' AND name = '0001_initial'")
    assert set(reasons(client)) == {"migrations"}


def test_a_full_disk_is_named(client: Client, well: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FREE_MB", 10**12)
    assert set(reasons(client)) == {"disk"}


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_without_a_database_the_process_lives_and_says_it_is_not_ready() -> None:
    port = processes.free_port()
    with processes.web(DATABASE_URL=f"postgresql://nobody@127.0.0.1:{port}/none") as server:
        import httpx

        answer = httpx.get(f"{server.url}/health/ready", timeout=20)
        assert answer.status_code == 503
        assert [c["name"] for c in answer.json()["checks"] if not c["ok"]] == ["database"]
        assert httpx.get(f"{server.url}/health/live", timeout=5).status_code == 200


def test_metrics_answer_this_machine_and_nobody_through_a_proxy(client: Client, well: None) -> None:
    text = client.get("/metrics").content.decode()
    assert "forefront_ready_database 1.0" in text
    assert "forefront_stuck_dispatches_late 0.0" in text
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 404


def test_metrics_with_a_token_answer_only_whoever_has_it(client: Client, well: None, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = "scraper"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer scraper"}, REMOTE_ADDR="203.0.113.7")
    assert answer.status_code == 200


def test_health_asks_the_same_of_the_database_however_full_it_is(
    client: Client, well: None, django_assert_max_num_queries: object
) -> None:
    """A load balancer asks every second: seven questions, no scan."""
    make_queue()
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        client.get("/health/ready")
