"""The API against its own document: whatever a stranger sends, it is no 5xx, and every refusal is a problem."""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings

from cases.models import Queue
from crm import tokens
from crm.models import User
from customers.models import Customer
from tests.builders import make_case

EXAMPLES = 25


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Calls go through WSGI inside the test's transaction: its connection must outlive them."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.mark.slow
def test_nothing_the_document_allows_breaks_the_api(
    root: User, billing: Queue, carl: Customer, one_connection: None
) -> None:
    make_case(billing, customer=carl)
    token, _row = tokens.issue(root)
    document = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    asked = 0
    for found in document.include(method=["GET", "POST"]).get_all_operations():
        asked += _ask(found.ok(), token)
    assert asked > 200


def _ask(operation: schemathesis.APIOperation, token: str) -> int:
    asked = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        nonlocal asked
        with transaction.atomic():
            answer = case.call(headers={"Authorization": f"Bearer {token}", "Host": "testserver"})
            transaction.set_rollback(True)
        asked += 1
        told = (operation.label, answer.status_code, answer.text[:500])
        assert answer.status_code < 500, told
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0] == "application/problem+json", told

    ask()
    return asked
