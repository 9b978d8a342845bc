"""Long texts over HTTP: a list shows how they begin, the message itself all it says."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Queue
from crm.models import User
from tests.api import Caller
from tests.builders import make_case, make_message

pytestmark = pytest.mark.django_db


def test_a_list_shows_the_beginning_of_a_long_text_and_the_message_itself_all_of_it(billing: Queue, ana: User) -> None:
    case, call = make_case(billing), Caller(ana)
    texts = ["", "x" * 20_000, "é" * 20_001, "y" * 900_000]
    made = [make_message(case, text) for text in texts]
    place = f"cases/{case.number}/messages/"
    answer = call.get(place)
    shown = [(row["id"], row["text"], row["text_clipped"]) for row in answer.json()["results"]]
    assert shown == [(m.pk, text[:20_000], len(text) > 20_000) for m, text in zip(made, texts, strict=True)]
    assert len(answer.content) < 200_000
    assert [call.get(f"{place}{m.pk}/").json()["text"] for m in made] == texts
    elsewhere = make_message(make_case(billing), "Theirs")
    assert call.get(f"{place}{elsewhere.pk}/").status_code == 404


def test_no_text_that_is_not_shown_is_read(billing: Queue, ana: User) -> None:
    case, call = make_case(billing), Caller(ana)
    make_message(case, "x" * 30_000, html="<p>x</p>")
    with CaptureQueriesContext(connection) as asked:
        call.get(f"cases/{case.number}/messages/")
    columns = [query["sql"] for query in asked if 'FROM "cases_message"' in query["sql"]]
    assert len(columns) == 1
    assert '"cases_message"."html"' not in columns[0]
    assert 'LEFT("cases_message"."text"' in columns[0]
