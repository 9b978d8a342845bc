"""L50: whatever follows every link of every mail a notice sent, nothing changes; one POST from no session does."""

import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from crm.models import User
from customers.models import Consent, Suppression
from tests.outreach.making import approved, make_owner, make_problem, run

pytestmark = pytest.mark.django_db
LINK = re.compile(r"https?://[^\s<>\"]+")


def written() -> dict[str, int]:
    counts = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
    with connection.cursor() as cursor:
        cursor.execute(counts)
        return {
            name: n for name, n in cursor.fetchall() if name.startswith(("crm_", "customers_", "cases_", "outreach_"))
        }


def links() -> list[str]:
    """Of bodies and headers alike."""
    texts = [f"{m.body} {' '.join(map(str, m.extra_headers.values()))}" for m in mail.outbox]
    return list(dict.fromkeys(link for text in texts for link in LINK.findall(text)))


def test_a_scanner_that_follows_every_link_changes_nothing_and_one_click_does(sue: User, full: bool) -> None:
    many = 200 if full else 5
    for n in range(many):
        make_owner(n, language=["en", "de", "es"][n % 3])
    approved(make_problem(sue), sue)
    run(rounds=60)
    assert len(mail.outbox) == many
    found = links()
    assert len(found) >= many
    scanner = Client(headers={"user-agent": "link checker"})
    before = written()
    for link in found:
        path = "/" + link.split("/", 3)[3]
        for method in ("get", "head", "options"):
            assert getattr(scanner, method)(path).status_code in {200, 405}, link
        for onward in re.findall(r'href="(/[^"]*|http[^"]*preferences[^"]*)"', scanner.get(path).content.decode()):
            scanner.get("/" + onward.split("/", 3)[3] if onward.startswith("http") else onward)
    assert written() == before
    stops = [link for link in found if "/unsubscribe/" in link]
    for link in stops[: many // 2]:
        Client(enforce_csrf_checks=True).post("/" + link.split("/", 3)[3], {"List-Unsubscribe": "One-Click"})
    assert Consent.objects.filter(granted=False, source="unsubscribe").count() == many // 2
    assert Suppression.objects.count() == many // 2
