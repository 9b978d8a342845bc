"""How the API answers what it cannot take: 4xx with a sentence, never 5xx."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from cases.models import Queue
from crm.models import User
from crm.rest import LARGEST_BODY
from customers.models import Customer
from tests.api import Caller

BAD_BODIES = {
    "not json": b"{",
    "nothing": b"",
    "nan": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "too large a float": b'{"name": 1e999}',
    "nul": b'{"name": "a\\u0000b"}',
    "half a surrogate": b'{"name": "\\ud800"}',
    "half a surrogate as a name": b'{"\\ud800": 1}',
    "not utf-8": b'{"name": "\xff"}',
    "huge integer": b'{"name": "Q", "calendar": ' + b"9" * 5000 + b"}",
    "past 64 bits": b'{"name": "Q", "calendar": 9223372036854775808}',
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 60 + b"1" + b"}" * 60,
    "a list": b"[]",
    "a string": b'"name"',
    "null": b"null",
    "wrong types": b'{"name": {"a": 1}, "calendar": "x"}',
    "a twice named thing": b'{"name": "a", "name": "b"}',
    "too long": json.dumps({"name": "x" * 81}).encode(),
    "bool for a number": b'{"name": "Q", "calendar": true}',
    "64 bits": b'{"name": "Q", "calendar": 9223372036854775807}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_json_is_refused_with_a_sentence(root: User, body: bytes) -> None:
    answer = Caller(root).post("queues/", body)
    assert answer.status_code == 400, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert not Queue.objects.exists()


def test_errors_name_their_fields(root: User) -> None:
    body = {"contact_points": [{"kind": "email", "value": "a@example.org"}, {"kind": "email", "value": "nobody"}]}
    told = Caller(root).post("customers/", body).json()
    assert [e["field"] for e in told["errors"]] == ["contact_points[1].value"]
    assert "name@example.org" in told["errors"][0]["message"]
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "cases/?queue=x", "cases/?queue=99999999999999999999", "cases/?status=%00", "cases/?cursor=%00",
        "cases/?cursor=cD1hYmM%3D", "cases/?cursor=cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "cases/?updated_since=yesterday",
        "cases/?updated_since=2024-13-45T99:00:00Z", "customers/?q=%00", "events/?since=%F0%9F%92%A9", "search/?q=%00",
        f"search/?q={'x' * 3000}", "cases/?assignee=-1", "subscriptions/?customer=%C2%B2",
    ],
)  # fmt: skip
def test_bad_queries_are_refused(root: User, path: str) -> None:
    answer = Caller(root).get(path)
    assert answer.status_code == 400, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["cases/99999999999999999999999/", "customers/99999999999999999999/", "nothing/", "cases", "queues/0/"]
)
def test_what_is_not_there_is_a_problem_too(root: User, path: str) -> None:
    answer = Caller(root).get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_methods_and_media_types_are_problems_too(root: User) -> None:
    call = Caller(root)
    assert call.delete("queues/").json()["status"] == 405
    answer = call.client.post("/api/queues/", "a=b", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert call.get("queues/", Accept="text/csv").status_code == 406


def test_a_body_has_a_largest_size(root: User) -> None:
    answer = Caller(root).post("queues/", b'{"name": "' + b"x" * LARGEST_BODY + b'"}')
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"


def test_a_failure_of_ours_is_a_problem_too(root: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("cases.api.settings._new_queue", fails)
    call = Caller(root)
    call.client.raise_request_exception = False
    answer = call.post("queues/", {"name": "Sales"})
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "ours" not in answer.content.decode()


def test_the_consoles_session_needs_its_csrf_token(ana: User, billing: Queue) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.get("/api/me/").status_code == 200
    refused = client.post("/api/cases/", {"queue": billing.pk}, content_type="application/json")
    assert refused.status_code == 403
    assert refused["Content-Type"] == "application/problem+json"
    assert not billing.cases.exists()


def test_the_document_is_valid_and_complete(db: None, tmp_path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_the_documents_page_comes_whole_from_this_house(db: None) -> None:
    answer = Client().get("/api/docs/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    policy = answer["Content-Security-Policy"]
    assert "img-src 'self' data:" in policy
    assert "unsafe" not in policy
    assert Client().get("/api/schema/").status_code == 200


# --- what is not understood, and what is relied on in vain


def test_a_misspelt_name_is_told_and_alone_it_is_refused(ana: User, billing: Queue) -> None:
    call = Caller(ana)
    told = call.post("cases/", {"queue": billing.pk, "prioritty": "high", "näme\r\nX: 1": 1})
    assert told.status_code == 201
    assert told["Ignored-Fields"] == "n%C3%A4me%0D%0AX%3A 1, prioritty"
    number, version = told.json()["number"], told.json()["version"]
    refused = call.patch(f"cases/{number}/", {"status": "resolved"})
    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {"field": "status", "message": "Not known here. Known: fields, priority, queue, tags, version."}
    ]
    assert call.get(f"cases/{number}/").json()["version"] == version
    assert "Ignored-Fields" not in call.post("cases/", {"queue": billing.pk})


def test_ignored_fields_are_told_again_when_a_key_is_repeated(ana: User, billing: Queue) -> None:
    call, body = Caller(ana), {"queue": billing.pk, "colour": "red"}
    answers = [call.post("cases/", body, Idempotency_Key="k1") for _n in range(2)]
    assert [a["Ignored-Fields"] for a in answers] == ["colour", "colour"]


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("cases/", {"priority": "huge"}, "priority", "low, normal, high, urgent"),
        ("cases/", {"channel": "a b"}, "channel", "one word"),
        ("cases/", {"opened_at": "2026-03-02T09:00:00"}, "opened_at", "zone"),
        ("cases/", {"opened_at": "2026-03-02"}, "opened_at", "zone"),
        ("cases/", {"customer": {"contact_points": [{"kind": "fax", "value": "1"}]}}, "customer.contact_points[0].kind", "phone"),
        ("calendars/", {"name": "C", "tz": "Mars/X", "hours": {}}, "tz", "Europe/Berlin"),
        ("calendars/", {"name": "C", "tz": "UTC", "hours": {}, "holidays": ["2026-13-01"]}, "holidays", "2026-12-25"),
        ("sla-policies/", {"name": "P", "targets": [{"kind": "x", "minutes": 1}]}, "targets[0].kind", "first_response"),
        ("customers/", {"tier": "gold"}, "name", "contact_points"),
        ("customers/", {"name": "Z", "organization": 999999}, "organization", "no 999999"),
    ],
)  # fmt: skip
def test_sentences_name_the_field_and_what_it_may_be(
    root: User, billing: Queue, path: str, body: Any, field: str, words: str
) -> None:
    body = {"queue": billing.pk, **body} if path == "cases/" else body
    answer = Caller(root).post(path, body)
    assert answer.status_code == 400, answer.content
    errors = {e["field"]: e["message"] for e in answer.json()["errors"]}
    assert words in errors[field]
    assert not billing.cases.exists()
    assert not Customer.objects.exists()


def test_an_if_match_that_would_not_be_kept_is_refused(root: User, billing: Queue) -> None:
    call = Caller(root)
    for answer in (
        call.post("queues/", {"name": "Sales"}, If_Match='"1"'),
        call.post("products/", {"name": "Fibre"}, If_Match='"1"'),
        call.patch(f"queues/{billing.pk}/", {"description": "x"}, If_Match="1"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:forefront:problem:if_match")
    assert [(q.name, q.description) for q in Queue.objects.all()] == [("Billing", billing.description)]


def test_a_missing_scope_is_told_with_the_very_command(ana: User, billing: Queue) -> None:
    hint = Caller(ana).post("cases/", {"queue": billing.pk, "opened_at": "2026-03-02T09:00:00Z"}).json()["hint"]
    assert hint == "Make one with: manage.py token ana --scope import"


def test_the_document_tells_of_keys_versions_limits_and_the_doors_of_channels(db: None) -> None:
    paths = Client().get("/api/schema/?format=json").json()["paths"]

    def headers(operation: dict[str, Any]) -> set[str]:
        return {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}

    assert headers(paths["/api/cases/{number}/status/"]["post"]) == {"Idempotency-Key", "If-Match"}
    assert headers(paths["/api/queues/{id}/"]["patch"]) == {"If-Match"}
    assert headers(paths["/api/queues/"]["post"]) == {"Idempotency-Key"}
    assert headers(paths["/api/cases/"]["get"]) == set()
    assert {"429", "default"} <= paths["/api/cases/"]["get"]["responses"].keys()
    door = paths["/api/inbound/{channel}/"]["post"]
    assert headers(door) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert {"200", "201", "202", "default"} == door["responses"].keys()
    assert "/api/inbound/{channel}/receipts/" in paths
