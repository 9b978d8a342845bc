from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from cases.models import Queue
from crm import tokens
from crm.models import ApiToken, User
from tests.api import Caller


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    call_command("token", *args)
    return capsys.readouterr().out.strip()


def ask(text: str, path: str = "me/", **headers: str):
    return Client(headers={"authorization": text, **headers}).get(f"/api/{path}")


def test_the_command_prints_a_token_that_signs_in(ana: User, billing: Queue, capsys) -> None:
    text = printed(capsys, "ana")
    assert text.startswith("ff_")
    answer = ask(f"Bearer {text}")
    assert answer.status_code == 200
    assert answer.json()["username"] == "ana"
    assert [q["name"] for q in answer.json()["queues"]] == ["Billing"]


def test_only_the_digest_is_kept(ana: User) -> None:
    text, row = tokens.issue(ana)
    kept = ApiToken.objects.values().get(pk=row.pk)
    assert text not in str(kept)
    assert text[9:] not in str(kept)


def test_a_call_pays_one_query_for_the_token_and_no_password_hash(
    ana: User, billing: Queue, monkeypatch, django_assert_max_num_queries
) -> None:
    call = Caller(ana)
    monkeypatch.setattr("django.contrib.auth.hashers.check_password", lambda *a, **k: pytest.fail("a password hash"))
    call.get("me/")
    with django_assert_max_num_queries(5):
        assert call.get("queues/").status_code == 200


@pytest.mark.parametrize("header", ["Bearer ff_wrong", "Bearer", "Bearer a b c", "bearer \u00ff"])
def test_an_unknown_token_is_refused_with_a_hint(db: None, header: str) -> None:
    answer = ask(header)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "manage.py token" in answer.json()["hint"]


def test_without_any_sign_in_nothing_is_shown(db: None) -> None:
    answer = Client().get("/api/cases/")
    assert answer.status_code == 401
    assert answer.json()["status"] == 401


def test_a_revoked_token_and_a_disabled_user_are_refused(ana: User) -> None:
    call = Caller(ana)
    ApiToken.objects.filter(pk=call.token.pk).update(revoked_at=timezone.now())
    assert call.get("me/").status_code == 401
    other = Caller(ana)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert other.get("me/").status_code == 401


def test_a_scope_narrows_and_says_what_is_missing(root: User) -> None:
    call = Caller(root, "read")
    assert call.get("queues/").status_code == 200
    refused = call.post("queues/", {"name": "Sales"})
    assert refused.status_code == 403
    assert refused.json()["scope"] == "settings"
    assert not Queue.objects.exists()


def test_only_administrators_may_date_things_in_the_past_without_the_scope(ana: User, root: User) -> None:
    assert tokens.may(root, None, "import")
    assert not tokens.may(ana, None, "import")
    _text, row = tokens.issue(ana, ["import"])
    assert tokens.may(ana, row, "import")


def test_use_is_remembered_once_a_minute(ana: User) -> None:
    call = Caller(ana)
    call.get("me/")
    first = ApiToken.objects.get(pk=call.token.pk).used_at
    call.get("me/")
    assert ApiToken.objects.get(pk=call.token.pk).used_at == first
    ApiToken.objects.filter(pk=call.token.pk).update(used_at=first - timedelta(minutes=2))
    call.get("me/")
    assert ApiToken.objects.get(pk=call.token.pk).used_at > first - timedelta(minutes=2)


def test_the_command_says_what_is_wrong(ana: User) -> None:
    with pytest.raises(CommandError, match="no active user"):
        call_command("token", "nobody")
    with pytest.raises(CommandError, match="Choose from"):
        call_command("token", "ana", scope=["everything"])
    assert not ApiToken.objects.exists()
