"""Sign-in by OAuth 2: a token is fetched, kept, renewed before its end or when it is refused, and a new refresh token is
not lost. The token address and the server's ear for XOAUTH2 are the test's own; what is said on the line is real."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from cases import mailboxes
from cases.mail.imap import Trouble
from cases.models import Mailbox, Queue
from crm.secrets import decrypt, encrypt

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Company:
    """A mail company: gives tokens for a refresh token, lets in by XOAUTH2 whoever has the newest."""

    token_url: str = ""
    port: int = 0
    good: str = "token-0"
    refresh: str = "refresh-0"
    rotates: bool = False
    answers: list[tuple[int, dict[str, object]]] = field(default_factory=list)  # said instead, once each
    asked: list[dict[str, str]] = field(default_factory=list)

    def give(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.asked.append(form)
        if self.answers:
            return self.answers.pop(0)
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh:
            return 400, {"error": "invalid_grant", "error_description": "about help@imap.example"}
        self.good = f"token-{len(self.asked)}"
        told: dict[str, object] = {"access_token": self.good, "expires_in": 3600, "token_type": "Bearer"}
        if self.rotates:
            self.refresh = f"refresh-{len(self.asked)}"
            told["refresh_token"] = self.refresh
        return 200, told


@pytest.fixture
def company(settings: object) -> Iterator[Company]:
    made = Company()
    web = HTTPServer(("127.0.0.1", 0), type("Desk", (Desk,), {"company": made}))
    made.token_url = f"http://127.0.0.1:{web.server_port}/token"
    ear = socket.create_server(("127.0.0.1", 0))
    made.port = ear.getsockname()[1]
    threading.Thread(target=web.serve_forever, daemon=True).start()
    threading.Thread(target=listen, args=[ear, made], daemon=True).start()
    yield made
    web.shutdown()
    web.server_close()
    ear.close()


class Desk(BaseHTTPRequestHandler):
    company: Company

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        status, told = self.company.give({name: values[0] for name, values in parse_qs(body).items()})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_args: object) -> None: ...


def listen(ear: socket.socket, company: Company) -> None:
    while True:
        try:
            line, _peer = ear.accept()
        except OSError:
            return
        with line, line.makefile("rwb", buffering=0) as talk:
            serve(talk, company)


def serve(talk: object, company: Company) -> None:
    """As much of IMAP as a sign-in needs."""

    def say(text: str) -> None:
        talk.write(f"{text}\r\n".encode())  # type: ignore[attr-defined]

    say("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] here")
    while words := talk.readline().decode().split():  # type: ignore[attr-defined]
        tag, verb = words[0], words[1].upper()
        if verb == "AUTHENTICATE":
            say("+ ")
            given = base64.b64decode(talk.readline()).decode()  # type: ignore[attr-defined]
            if given == f"user=help@imap.example\1auth=Bearer {company.good}\1\1":
                say(f"{tag} OK in")
                continue
            say("+ " + base64.b64encode(b'{"status":"401"}').decode())
            assert talk.readline().strip() == b"", "a refusal's question is answered by nothing"  # type: ignore[attr-defined]
            say(f"{tag} NO [AUTHENTICATIONFAILED] no")
        elif verb == "CAPABILITY":
            say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2")
            say(f"{tag} OK done")
        elif verb == "EXAMINE":
            say("* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 1] ok")
            say(f"{tag} OK [READ-ONLY] open")
        else:
            say(f"{tag} OK done")


@pytest.fixture
def box(billing: Queue, company: Company) -> Mailbox:
    return Mailbox.objects.create(
        queue=billing,
        name="Help",
        address="help@imap.example",
        host="127.0.0.1",
        port=company.port,
        tls="none",
        user="help@imap.example",
        sign_in="oauth2",
        token_url=company.token_url,
        client_id="us",
        client_secret=encrypt("hush"),
        refresh_token=encrypt("refresh-0"),
        scope="mail.read",
    )


def sign_in(box: Mailbox, *, after: timedelta = timedelta(0)) -> None:
    box.refresh_from_db()
    mailboxes.connect(box, now=timezone.now() + after).close()
    box.refresh_from_db()


def test_a_token_is_fetched_once_and_kept_encrypted_until_shortly_before_its_end(
    box: Mailbox, company: Company
) -> None:
    sign_in(box)
    sign_in(box, after=timedelta(minutes=57))
    assert company.asked == [
        {
            "grant_type": "refresh_token",
            "client_id": "us",
            "client_secret": "hush",
            "refresh_token": "refresh-0",
            "scope": "mail.read",
        }
    ]
    assert "token-1" not in box.access_token
    assert decrypt(box.access_token) == "token-1"
    sign_in(box, after=timedelta(minutes=59))
    assert len(company.asked) == 2


def test_a_token_withdrawn_before_its_time_is_renewed_once_within_the_same_try(box: Mailbox, company: Company) -> None:
    sign_in(box)
    company.good = "another"
    sign_in(box)
    assert len(company.asked) == 2


def test_a_user_the_server_refuses_is_not_asked_for_for_ever(box: Mailbox, company: Company) -> None:
    Mailbox.objects.update(user="nobody@imap.example")
    for _round in range(2):
        with pytest.raises(Trouble, match="sign_in"):
            sign_in(box)
    assert len(company.asked) <= 3


def test_a_refresh_token_that_rotates_is_kept(box: Mailbox, company: Company) -> None:
    company.rotates = True
    for hours in range(3):
        sign_in(box, after=timedelta(hours=2 * hours))
    assert [form["refresh_token"] for form in company.asked] == ["refresh-0", "refresh-1", "refresh-2"]


def test_without_a_refresh_token_the_client_signs_in_for_itself(box: Mailbox, company: Company) -> None:
    Mailbox.objects.update(refresh_token="")
    sign_in(box)
    assert company.asked[0]["grant_type"] == "client_credentials"
    assert "refresh_token" not in company.asked[0]


@pytest.mark.parametrize(
    ("answer", "word", "detail"),
    [
        ((400, {"error": "invalid_grant", "error_description": "carl@example.org"}), "token", "invalid_grant"),
        ((200, {"nothing": 1}), "token", "status 200"),
        ((503, {}), "token_server", "status 503"),
        ((302, {}), "token", "status 302"),
    ],
)
def test_what_is_wrong_with_a_token_has_a_word(
    box: Mailbox, company: Company, answer: tuple[int, dict[str, object]], word: str, detail: str
) -> None:
    company.answers = [answer]
    with pytest.raises(Trouble) as trouble:
        sign_in(box)
    assert (trouble.value.word, trouble.value.detail) == (word, detail)


def test_a_token_address_in_a_private_network_is_not_called(box: Mailbox) -> None:
    Mailbox.objects.update(token_url="http://10.0.0.1/token")
    with pytest.raises(Trouble, match="token_address"):
        sign_in(box)
