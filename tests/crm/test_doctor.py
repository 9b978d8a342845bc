"""`manage.py doctor`: every kind of trouble is said in words, and only trouble makes it exit 1."""

import smtplib
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.conf import settings as config
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule

from cases.models import Dispatch, InboundItem
from crm import doctor
from crm.models import Heartbeat, Wake

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def well(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = True  # a desk, not production
    monkeypatch.setattr(doctor, "_show", lambda name: "on")  # a server for tests may be quick rather than safe
    Heartbeat.beat(f"worker:{config.INSTANCE}")
    Heartbeat.beat(f"keeper:{config.INSTANCE}")


def bad() -> str:
    return "\n".join(finding.text for finding in doctor.examine() if finding.level == doctor.BAD)


def test_a_house_in_order_gets_no_bad_word(settings: LazySettings) -> None:
    settings.DEMO, settings.EMAIL_PORT = True, 0
    assert bad() == ""
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "Nothing here would hurt users." in out.getvalue()
    assert "PostgreSQL" in out.getvalue()
    assert "keeps its session" in out.getvalue()


def test_trouble_makes_it_exit_1(settings: LazySettings) -> None:
    settings.DEMO, settings.EMAIL_PORT = True, 0
    Heartbeat.objects.all().delete()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out)
    assert ended.value.code == 1
    assert "no keeper has reported yet" in out.getvalue()


def test_a_mail_server_that_does_not_answer_is_named(settings: LazySettings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert "mail: 127.0.0.1:1 does not let us in (ConnectionRefusedError)" in bad()


def test_a_refused_mail_password_is_named_and_not_shown(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __init__(self, *args: object, **kwargs: object) -> None: ...
        def __enter__(self) -> "Refusing":
            return self

        def __exit__(self, *error: object) -> None: ...
        def login(self, user: str, password: str) -> None:
            raise smtplib.SMTPAuthenticationError(535, b"no")

    monkeypatch.setattr(smtplib, "SMTP", Refusing)
    settings.EMAIL_PORT, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = 25, "us", "hunter2"
    assert "SMTPAuthenticationError" in bad()
    assert "hunter2" not in bad()


def test_no_mail_server_outside_a_demo_is_trouble(settings: LazySettings) -> None:
    settings.DEMO, settings.EMAIL_PORT = False, 0
    assert "SMTP_HOST" in bad()


def test_a_server_that_may_lose_commits_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_show", lambda name: "off" if name == "fsync" else "on")
    assert "fsync=off" in bad()


def test_rows_in_the_schedule_table_are_trouble() -> None:
    Schedule.objects.create(func="os.system", args="'true'", next_run=timezone.now())
    assert "1 rows in django_q_schedule" in bad()


def test_what_waits_for_a_person_is_counted() -> None:
    Wake.objects.create(path="x", state=Wake.PARKED)
    long_ago = timezone.now() - timedelta(hours=1)
    Dispatch.objects.create(channel="mail", address="a@x", message_class="answer", source_id=1, release_at=long_ago)
    InboundItem.objects.create(channel="form", external_id="1", raw=b"", received_at=long_ago)
    found = bad()
    assert "1 background task failed for good" in found
    assert "dispatches late: 1" in found
    assert "inbound late: 1" in found


def test_a_proxy_that_pools_transactions_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two questions of one connection are answered by two servers."""
    answers = iter(range(1000))
    monkeypatch.setattr(doctor, "_one", lambda conn, statement: next(answers))
    assert "pools transactions" in bad()
