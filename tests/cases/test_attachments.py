"""Attachments: for those who may see the case, never run, never shown as what they are not."""

from typing import Any

import pytest
from django.test import AsyncClient, Client

from cases.models import Attachment, Case, Queue
from crm.files import save_bytes
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_message

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl)


def attach(case: Case, data: bytes = PNG, name: str = "photo.png", kind: str = "image/png") -> Attachment:
    stored = save_bytes(data)
    return Attachment.objects.create(
        message=make_message(case), file=stored, name=name, content_type=kind, size=stored.size
    )


def fetch(user: User, attachment: Attachment) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/attachments/{attachment.token}/")


def test_a_rep_of_the_queue_gets_the_file_and_nobody_else_learns_that_it_exists(
    case: Case, ana: User, ben: User, eve: User, root: User
) -> None:
    attachment = attach(case)

    assert b"".join(fetch(ana, attachment)) == PNG
    assert fetch(root, attachment).status_code == 200
    unknown = Client().get("/attachments/nothing/")
    for refused in (fetch(ben, attachment), fetch(eve, attachment), Client().get(f"/attachments/{attachment.token}/")):
        assert refused.status_code == unknown.status_code == 404
        assert PNG not in refused.content
    case.queue.join(eve, mode="watch")
    assert fetch(eve, attachment).status_code == 200


def test_a_person_switched_off_gets_nothing_any_more(case: Case, ana: User) -> None:
    client, attachment = Client(), attach(case)
    client.force_login(ana)
    User.objects.filter(pk=ana.pk).update(is_active=False)

    assert client.get(f"/attachments/{attachment.token}/").status_code == 404


@pytest.mark.parametrize("token", ["%00", "..", "a" * 500, "ü", "1", "%"])
def test_tokens_cannot_be_guessed_or_broken(case: Case, ana: User, token: str) -> None:
    attach(case)
    client = Client()
    client.force_login(ana)

    assert client.get(f"/attachments/{token}/").status_code == 404


@pytest.mark.parametrize(
    ("data", "name", "kind", "served", "inline"),
    [
        (PNG, "photo.png", "image/png", "image/png", True),
        (b"\xff\xd8\xff\xe0rest", "photo.jpg", "image/jpeg", "image/jpeg", True),
        (b"GIF89a rest", "move.gif", "image/gif", "image/gif", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a.webp", "image/webp", "image/webp", True),
        (PNG, "really.html", "text/html", "image/png", True),
        (b"<script>alert(1)</script>", "photo.png", "image/png", "application/octet-stream", False),
        (b"<svg xmlns='x' onload='alert(1)'/>", "a.svg", "image/svg+xml", "application/octet-stream", False),
        (b"<html><script>", "a.html", "text/html", "application/octet-stream", False),
        (b"<?xml ?>", "a.xml", "text/xml", "application/octet-stream", False),
        (b"<?php ?>", "a.pht", "application/x-httpd-php", "application/octet-stream", False),
        (b"MZ", "setup.exe", "application/x-msdownload", "application/octet-stream", False),
        (b"alert(1)", "a.js", "text/javascript", "application/octet-stream", False),
        (b"%PDF-1.7", "bill.pdf", "application/pdf", "application/pdf", False),
        (b"<script>", "notes.txt", "text/plain", "text/plain; charset=utf-8", False),
        (b"BM", "a.bmp", "image/bmp", "application/octet-stream", False),
        (b"", "empty.png", "image/png", "application/octet-stream", False),
    ],
)
def test_only_real_pictures_are_shown_in_place(case: Case, ana: User, data, name, kind, served, inline: bool) -> None:
    response = fetch(ana, attach(case, data, name, kind))

    assert b"".join(response) == data
    assert response["content-type"] == served
    assert response["content-disposition"].startswith("inline" if inline else "attachment")
    assert response["content-security-policy"] == "sandbox; default-src 'none'"
    assert response["x-content-type-options"] == "nosniff"
    assert response["cross-origin-resource-policy"] == "same-origin"
    assert response["cache-control"] == "private, no-store"
    assert response["content-length"] == str(len(data))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("bill.pdf", 'attachment; filename="bill.pdf"'),
        ('a"b\\c.pdf', 'attachment; filename="c.pdf"'),
        ("Rechnung März.pdf", "attachment; filename*=utf-8''Rechnung%20M%C3%A4rz.pdf"),
        ("x\r\nSet-Cookie: a=b.pdf", 'attachment; filename="xSet-Cookie_ a=b.pdf"'),
        ("photo\u202egpj.exe", 'attachment; filename="photogpj.exe"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        (".htaccess", 'attachment; filename="htaccess"'),
    ],
)
def test_names_in_headers_are_names_and_nothing_else(case: Case, ana: User, name: str, header: str) -> None:
    assert fetch(ana, attach(case, b"%PDF-", name, "application/pdf"))["content-disposition"] == header


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_a_large_file_comes_in_pieces() -> None:
    from asgiref.sync import sync_to_async

    from tests.builders import make_queue, make_user

    data = b"0123456789abcdef" * 80_000

    def prepare() -> tuple[User, Attachment]:
        rep = make_user("Ana Lind", username="ana")
        return rep, attach(make_case(make_queue("Billing", reps=[rep])), data, "log.txt", "text/plain")

    rep, attachment = await sync_to_async(prepare)()
    client = AsyncClient()
    await client.aforce_login(rep)

    response = await client.get(f"/attachments/{attachment.token}/")

    assert b"".join([piece async for piece in response]) == data


def test_changing_anything_is_not_offered(case: Case, ana: User) -> None:
    attachment = attach(case)
    client = Client()
    client.force_login(ana)

    for method in (client.post, client.put, client.delete):
        assert method(f"/attachments/{attachment.token}/").status_code == 405
    assert Attachment.objects.filter(pk=attachment.pk).exists()
