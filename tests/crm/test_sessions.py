"""Our way to read a session is Django's, put together once."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends import db
from django.test import Client
from django.utils import timezone

from crm.models import User
from crm.sessions import SessionStore

pytestmark = pytest.mark.django_db


def test_a_session_django_wrote_before_stays_valid_and_the_other_way_round() -> None:
    for writer, reader in ((db.SessionStore, SessionStore), (SessionStore, db.SessionStore)):
        written = writer()
        written["a"] = 1
        written.save()
        assert reader(written.session_key)["a"] == 1


def test_one_that_is_over_or_nobodys_is_empty_and_gets_another_key() -> None:
    over = SessionStore()
    over["a"] = 1
    over.save()
    over.model.objects.filter(pk=over.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    for key in (over.session_key, "n" * 32, "x' OR 1=1 --", None):
        read = SessionStore(key)
        assert read.get("a") is None
        read.save()
        assert read.session_key != key


@pytest.mark.parametrize("key", ["", "short", "nobody" * 6, "%s" * 10])
def test_a_strange_cookie_is_just_somebody_who_is_signed_out(client: Client, ana: User, key: str) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert client.get("/cases/1/").status_code == 302
    client.force_login(ana)
    assert client.get("/cases/1/").status_code == 404
