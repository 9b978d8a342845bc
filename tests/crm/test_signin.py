"""The way in and out: sessions, lockout, where one lands, and the plain pages for what goes wrong."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from crm.models import SentMail, User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def enter(client: Client, username: str = "ana", password: str = PASSWORD, **fields: str) -> object:
    return client.post(reverse("sign_in"), {"username": username, "password": password, **fields})


def test_a_person_signs_in_and_lands_where_they_wanted(client: Client, ana: User) -> None:
    page = client.get("/sign-in/?next=/search/")
    assert 'name="next" value="/search/"' in page.content.decode()
    response = enter(client, next="/search/")
    assert (response.status_code, response["Location"]) == (302, "/search/")  # type: ignore[attr-defined,index]
    assert client.session["_auth_user_id"] == str(ana.pk)


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "\\\\evil.example", "javascript:alert(1)"]
)
def test_a_foreign_next_page_is_ignored(client: Client, ana: User, target: str) -> None:
    assert enter(client, next=target)["Location"] == "/"  # type: ignore[index]


def test_the_session_changes_its_key_at_sign_in(client: Client, ana: User) -> None:
    session = client.session
    session["planted"] = "by someone else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    enter(client)
    assert client.cookies["sessionid"].value != planted


def test_signing_out_takes_a_post_and_ends_the_session_for_stolen_cookies_too(client: Client, ana: User) -> None:
    enter(client)
    stolen = client.cookies["sessionid"].value
    assert client.get(reverse("sign_out")).status_code == 405
    assert "_auth_user_id" in client.session
    assert client.post(reverse("sign_out")).status_code == 302
    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/sent/").status_code == 302


@pytest.mark.parametrize("username", ["ana", "nobody"])
def test_a_wrong_password_says_the_same_for_known_and_unknown_names(client: Client, ana: User, username: str) -> None:
    response = enter(client, username, "wrong")
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert "Please enter a correct username and password" in response.content.decode()  # type: ignore[attr-defined]
    assert "wrong" not in response.content.decode()  # type: ignore[attr-defined]
    assert "_auth_user_id" not in client.session


def test_after_five_wrong_passwords_even_the_right_one_waits(client: Client, ana: User) -> None:
    for _ in range(5):
        last = enter(client, password="wrong")
    assert last.status_code == 429  # type: ignore[attr-defined]
    assert last["Retry-After"] == "900"  # type: ignore[index]
    assert enter(client).status_code == 429  # type: ignore[attr-defined]
    assert "_auth_user_id" not in client.session


def test_a_lockout_is_of_one_name_from_one_address(client: Client, ana: User, lee: User) -> None:
    for _ in range(6):
        enter(client, password="wrong")
    assert enter(client, "lee").status_code == 302  # type: ignore[attr-defined]
    elsewhere = Client(REMOTE_ADDR="198.51.100.4")
    assert enter(elsewhere).status_code == 302  # type: ignore[attr-defined]


def test_a_made_up_forwarded_address_does_not_escape_the_lockout(client: Client, ana: User) -> None:
    for n in range(6):
        client.post(
            reverse("sign_in"), {"username": "ana", "password": "wrong"}, headers={"X-Forwarded-For": f"203.0.113.{n}"}
        )
    assert enter(client).status_code == 429  # type: ignore[attr-defined]


def test_a_form_without_its_token_changes_nothing(ana: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = enter(strict)
    assert response.status_code == 403  # type: ignore[attr-defined]
    assert "reload" in response.content.decode()  # type: ignore[attr-defined]
    assert "_auth_user_id" not in strict.session


def test_a_disabled_person_does_not_get_in(client: Client, ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert enter(client).status_code == 422  # type: ignore[attr-defined]


# --- pages for what goes wrong


def test_what_is_not_there_is_said_plainly(client: Client) -> None:
    response = client.get("/no/such/page/")
    assert response.status_code == 404
    assert "Nothing here" in response.content.decode()


def test_programs_get_a_problem_document(client: Client) -> None:
    response = client.get("/api/no/such/thing/")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 404


def test_the_house_answers_an_unknown_address_itself_while_debugging_too(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert b"DEBUG" not in response.content
    assert b"Nothing here" in response.content


def test_a_foreign_host_name_gets_a_plain_400(client: Client) -> None:
    response = client.get("/sign-in/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()


def test_a_failure_shows_no_detail(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*args: object) -> None:
        raise RuntimeError("ana.torres@example.org")

    monkeypatch.setattr("crm.health.readiness", burst)
    client.raise_request_exception = False
    response = client.get("/health/ready")
    assert response.status_code == 500
    assert "ana.torres" not in response.content.decode()
    assert "our side" in response.content.decode()


def test_robots_stay_out(client: Client) -> None:
    assert "Disallow: /" in client.get("/robots.txt").content.decode()


# --- sent mail


def test_sent_mail_is_for_the_signed_in_of_a_demo(client: Client, root: User, settings: LazySettings) -> None:
    mail = SentMail.objects.create(sender="help@x", recipients=["a@x"], subject="<b>Hi</b>", text="Hello", raw=b"")
    address = reverse("sent_mail", args=[mail.pk])
    settings.DEMO = True
    assert client.get("/sent/").status_code == 302
    client.force_login(root)
    assert "&lt;b&gt;Hi" in client.get("/sent/").content.decode()
    assert "Hello" in client.get(address).content.decode()
    settings.DEMO = False
    assert client.get("/sent/").status_code == 404
    assert client.get(address).status_code == 404
