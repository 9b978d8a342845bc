"""Files of messages: only for those who may see the case, and shown in place only where they are pictures."""

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.hooks import File
from cases.models import Attachment, Queue
from crm.models import User
from tests.builders import make_case

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def attach(queue: Queue, name: str, kind: str, data: bytes) -> Attachment:
    case = make_case(queue)
    said = conversation.add_inbound(
        case, text="See here", sender=None, channel="web", at=timezone.now(), files=[File(name, kind, data)]
    )
    return said.attachments.get()


def fetch(client: Client, file: Attachment) -> HttpResponse:
    return client.get(f"/attachments/{file.token}/")


def test_who_sees_the_case_gets_the_file_as_a_download(client: Client, billing: Queue, ana: User) -> None:
    file = attach(billing, "Rechnung Mai.pdf", "application/pdf", b"%PDF-1.7")
    client.force_login(ana)

    response = fetch(client, file)

    assert b"".join(response.streaming_content) == b"%PDF-1.7"
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="Rechnung Mai.pdf"'
    assert response["Content-Length"] == "8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("who", ["nobody", "ben"])
def test_a_stranger_learns_nothing_not_even_that_it_is_there(
    client: Client, billing: Queue, request: pytest.FixtureRequest, who: str
) -> None:
    file = attach(billing, "a.txt", "text/plain", b"secret")
    if who != "nobody":
        client.force_login(request.getfixturevalue(who))

    response = fetch(client, file)
    absent = client.get("/attachments/0123456789abcdefghij/")

    assert response.status_code == absent.status_code == 404
    assert b"secret" not in response.content


@pytest.mark.parametrize(
    ("name", "declared", "data", "shown_as"),
    [
        ("a.png", "image/png", PNG, "image/png"),
        ("a.bin", "application/octet-stream", PNG, "image/png"),
        ("a.png", "image/png", b"<script>alert(1)</script>", ""),
        ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", ""),
        ("a.html", "text/html", b"<script>alert(1)</script>", ""),
        ("a.gif", "image/gif", b"", ""),
    ],
)
def test_only_what_is_a_picture_is_shown_in_place(
    client: Client, billing: Queue, ana: User, name: str, declared: str, data: bytes, shown_as: str
) -> None:
    client.force_login(ana)

    response = fetch(client, attach(billing, name, declared, data))

    disposition = response["Content-Disposition"].partition(";")[0]
    assert disposition == ("inline" if shown_as else "attachment")
    assert response["Content-Type"] == (shown_as or "application/octet-stream")


def test_a_name_cannot_break_out_of_its_header(client: Client, billing: Queue, ana: User) -> None:
    client.force_login(ana)
    response = fetch(client, attach(billing, '../"x"\r\nSet-Cookie: a=b; Ünï.txt', "text/plain", b"x"))
    assert "Set-Cookie" not in response.cookies
    assert "\n" not in response["Content-Disposition"]
    assert response["Content-Disposition"].startswith("attachment; filename")
