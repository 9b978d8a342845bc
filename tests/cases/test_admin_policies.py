"""The grid in which a supervisor writes a policy."""

from typing import Any

import pytest
from django.test import Client

from cases.models import Queue, ServicePolicy
from crm.models import User
from tests.cases.remedied import LATE, make_policy

pytestmark = pytest.mark.django_db
ADD = "/admin/cases/servicepolicy/add/"


@pytest.fixture
def desk(client: Client, sue: User, billing: Queue) -> Client:
    client.force_login(sue)
    return client


def lines(prefix: str, *given: dict[str, Any], standing: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(given), f"{prefix}-INITIAL_FORMS": standing}
    for place, line in enumerate(given):
        sent |= {f"{prefix}-{place}-{name}": value for name, value in line.items()}
    return sent


def sent(billing: Queue, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    impact = {
        "label": "Impact",
        "kind": "choice",
        "source": "asked",
        "options": "small = a nuisance\nhard = it stood still",
    }
    late = {"label": "Minutes late", "kind": "number", "source": "minutes_late", "most": "1440"}
    own = {"name": "Parcel late", "queues": [billing.pk], "is_active": "on", "currency": "EUR"}
    return {**own, **lines("inputs", impact, late), **lines("rows", *rows), **more}


SMALL = {"cell-impact": ["small"], "remedy": "credit", "base": "5", "words": "We are sorry."}
SOON = {"cell-impact": ["hard"], "below-minutes_late": "60", "remedy": "credit", "base": "10"}
LATER = {"cell-impact": ["hard"], "from-minutes_late": "60", "remedy": "refund", "base": "10",
         "each": "0.1", "of": "minutes_late", "factor_of": "impact", "factors": "hard = 1.5", "most": "50"}  # fmt: skip


def test_a_whole_grid_is_a_version(desk: Client, billing: Queue) -> None:
    answer = desk.post(ADD, sent(billing, SMALL, SOON, LATER))
    assert answer.status_code == 302, answer.content.decode()
    policy = ServicePolicy.objects.get()
    table = policy.current.table
    assert [row["when"] for row in table["rows"]] == [
        {"impact": ["small"]},
        {"impact": ["hard"], "minutes_late": {"below": "60"}},
        {"impact": ["hard"], "minutes_late": {"from": "60"}},
    ]
    assert table["rows"][2]["amount"]["factors"] == {"hard": "1.5"}
    assert [queue.name for queue in policy.queues.all()] == ["Billing"]


def test_a_gap_and_an_overlap_are_refused_in_words_and_the_columns_stay(desk: Client, billing: Queue) -> None:
    page = desk.post(ADD, sent(billing, SMALL, SOON, {**LATER, "from-minutes_late": "90"})).content.decode()
    assert "No row is for this: Impact: it stood still; Minutes late: from 60 and below 90." in page
    page = desk.post(ADD, sent(billing, SMALL, SOON, {**LATER, "from-minutes_late": "30"})).content.decode()
    assert "Rows 2 and 3 are both for this: Impact: it stood still; Minutes late: from 30 and below 60." in page
    assert 'name="rows-0-cell-impact"' in page
    assert not ServicePolicy.objects.exists()


def test_what_no_policy_may_go_by_is_refused(desk: Client, billing: Queue) -> None:
    page = desk.post(
        ADD, sent(billing, SMALL, SOON, LATER, **{"inputs-0-label": "How angry they are"})
    ).content.decode()
    assert "the same failure, the same remedy" in page
    assert not ServicePolicy.objects.exists()


def again(desk: Client, address: str, billing: Queue, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The page as it is loaded, with these rows."""
    form = desk.get(address).context["adminform"].form
    hidden = {"seen": form["seen"].value(), "table_version": form["table_version"].value()}
    counts = {"inputs-INITIAL_FORMS": 2, "rows-INITIAL_FORMS": 3}
    names = {"inputs-0-name": "impact", "inputs-1-name": "minutes_late"}
    return sent(billing, *rows, **counts, **names, **hidden, **more)


def test_saved_unchanged_is_no_new_version_and_changed_is_one(desk: Client, billing: Queue) -> None:
    desk.post(ADD, sent(billing, SMALL, SOON, LATER))
    policy = ServicePolicy.objects.get()
    address = f"/admin/cases/servicepolicy/{policy.pk}/change/"
    assert desk.post(address, again(desk, address, billing, SMALL, SOON, LATER)).status_code == 302
    assert policy.versions.count() == 1
    changed = again(desk, address, billing, {**SMALL, "base": "6"}, SOON, LATER, why="Prices rose")
    assert desk.post(address, changed).status_code == 302
    assert [(v.number, v.why) for v in policy.versions.order_by("number")] == [(1, ""), (2, "Prices rose")]
    assert "Prices rose" in desk.get(address).content.decode()


def test_a_table_somebody_else_saved_meanwhile_is_not_written_over(desk: Client, billing: Queue) -> None:
    desk.post(ADD, sent(billing, SMALL, SOON, LATER))
    policy = ServicePolicy.objects.get()
    address = f"/admin/cases/servicepolicy/{policy.pk}/change/"
    mine = again(desk, address, billing, {**SMALL, "base": "7"}, SOON, LATER)
    policy.publish(table={**policy.current.table, "currency": "GBP"})
    answer = desk.post(address, mine)
    assert "Somebody saved another version meanwhile" in answer.content.decode()
    assert policy.versions.count() == 2


def test_a_policy_made_elsewhere_is_shown_in_the_grid(desk: Client, billing: Queue) -> None:
    policy = make_policy("Late", LATE, billing)
    page = desk.get(f"/admin/cases/servicepolicy/{policy.pk}/change/").content.decode()
    assert "small = a nuisance" in page
    assert 'name="rows-1-cell-impact" value="hard"' in page.replace("  ", " ") or "rows-1-cell-impact" in page
