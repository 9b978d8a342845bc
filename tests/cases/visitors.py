"""Somebody from outside who fills in the contact form."""

import re
from typing import Any

from django.test import Client

from cases.models import Queue

WORDS = {
    "name": "Mia Wolff",
    "address": "mia@example.org",
    "subject": "Router",
    "message": "It blinks red.\nSince Monday.",
}


def opened(client: Client, path: str = "/contact/") -> dict[str, str]:
    """What the form on screen holds before anybody types."""
    page = client.get(path).content.decode()
    found = dict(re.findall(r'name="(csrfmiddlewaretoken|token)" value="([^"]+)"', page))
    return {**found, "website": "", "topic": str(Queue.objects.filter(is_public=True).values_list("pk", flat=True)[0])}


def fill_in(client: Client, start: dict[str, str] | None = None, **fields: Any) -> Any:
    return client.post("/contact/", {**(start or opened(client)), **WORDS, **fields})
