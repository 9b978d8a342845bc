"""Over a colleague's shoulder: watching is seen, joining is told, taking over says why and offers what was being written."""

import pytest
from django.test import Client
from django.utils import timezone

from cases import drafts, helping
from cases.live_people import roles_in_cases
from cases.models import Case, CaseHelper, Draft, Message, Notification, Queue, QueueMembership
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_question, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def lea(billing: Queue) -> User:
    user = make_user("Lea Voss", username="lea")
    QueueMembership.objects.create(queue=billing, user=user, role="lead")
    return user


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def desk(user: User, **headers: str) -> Client:
    client = Client(headers=headers)
    client.force_login(user)
    return client


def composer(user: User, case: Case) -> str:
    page = desk(user).get(f"/cases/{case.number}/").content.decode()
    return page[page.index('id="composer"') :]


def told(user: User) -> list[tuple[str, str]]:
    """What this person was told of, and why."""
    rows = Notification.objects.filter(user=user).order_by("pk")
    return [(row.event.kind, row.reason) for row in rows if row.reason != "customer_wrote"]


# --- watching


def test_who_leads_and_looks_on_is_told_apart_from_colleagues_and_from_the_owner(
    case: Case, ana: User, lee: User, sue: User, lea: User, root: User
) -> None:
    here = [(user.pk, str(case.number)) for user in (ana, lee, sue, lea, root)]
    assert roles_in_cases(here) == {(sue.pk, str(case.number)): "supervisor", (lea.pk, str(case.number)): "lead"}
    helping.join(case, by=lea)
    assert roles_in_cases(here)[lea.pk, str(case.number)] == "helping"
    case.assign(sue, by=sue)
    assert (sue.pk, str(case.number)) not in roles_in_cases(here)
    assert roles_in_cases([(ana.pk, "nonsense")]) == {}


def test_who_watches_whispers_until_they_join(case: Case, ana: User, lee: User, lea: User) -> None:
    watching = composer(lea, case)
    assert 'data-mode="whisper"' in watching[:200]
    assert "data-join" in watching
    for user in (ana, lee):
        assert 'data-mode="reply"' in composer(user, case)[:200]
        assert "data-join" not in composer(user, case)
    helping.join(case, by=lea)
    assert 'data-mode="reply"' in composer(lea, case)[:200]
    helping.leave(case, by=lea)
    assert 'data-mode="whisper"' in composer(lea, case)[:200]


def test_of_ones_own_case_and_of_nobodys_one_is_no_watcher(billing: Queue, case: Case, lea: User) -> None:
    case.assign(lea, by=lea)
    assert 'data-mode="reply"' in composer(lea, case)[:200]
    assert 'data-mode="reply"' in composer(lea, make_case(billing))[:200]


# --- joining


def test_joining_is_told_to_the_team_and_to_whoever_has_it(case: Case, ana: User, lea: User) -> None:
    answer = desk(lea, hx_request="true").post(f"/cases/{case.number}/helping/")
    assert 'id="composer"' in answer.content.decode()
    helping.join(case, by=lea)
    assert CaseHelper.objects.count() == Event.objects.filter(kind="helper_joined").count() == 1
    assert told(ana) == [("helper_joined", "note")]
    assert "Lea Voss joined, to help" in desk(ana).get(f"/cases/{case.number}/").content.decode()
    desk(lea, hx_request="true").delete(f"/cases/{case.number}/helping/")
    desk(lea, hx_request="true").delete(f"/cases/{case.number}/helping/")
    assert Event.objects.filter(kind="helper_left").count() == 1
    assert not CaseHelper.objects.exists()


def test_there_is_nothing_to_join_where_nobody_else_has_it(billing: Queue, case: Case, lea: User) -> None:
    with pytest.raises(Refusal, match="Nobody else"):
        helping.join(make_case(billing), by=lea)
    case.assign(lea, by=lea)
    with pytest.raises(Refusal, match="Nobody else"):
        helping.join(case, by=lea)
    case.assign(User.objects.get(username="ana"), by=lea)
    case.resolve(by=lea)
    with pytest.raises(Refusal, match="resolved"):
        helping.join(case, by=lea)


# --- taking over


def test_taking_over_says_why_tells_whoever_had_it_and_offers_what_they_were_writing(
    case: Case, ana: User, lee: User, lea: User
) -> None:
    drafts.save(case, author=ana, kind="reply", text="Dear Mr Jensen, I am", written_against=1)
    helping.join(case, by=lea)
    answer = desk(lea, hx_request="true").post(
        f"/cases/{case.number}/takeover/", {"reason": "The press is on the line"}
    )
    assert "Ana Lind was writing:" in answer.content.decode()
    case.refresh_from_db()
    assert case.assignee == lea
    assert not CaseHelper.objects.exists()
    note = Message.objects.get(direction="note")
    assert (note.author, note.text) == (lea, "The press is on the line")
    event = Event.objects.get(kind="assigned")
    assert (event.actor, event.reason, event.data["was"]) == (lea, "taken_over", ana.pk)
    assert "Lea Voss took it over from Ana Lind" in desk(lee).get(f"/cases/{case.number}/").content.decode()
    assert told(ana)[-1] == ("assigned", "taken")
    assert Draft.objects.get(author=ana).text == "Dear Mr Jensen, I am"
    assert "Dear Mr Jensen" in composer(ana, case)
    assert "Dear Mr Jensen" not in composer(lee, case)


def test_a_draft_is_offered_to_nobody_else_and_no_longer_than_it_is_theirs(
    case: Case, ana: User, sue: User, lea: User
) -> None:
    drafts.save(case, author=ana, kind="reply", text="Dear Mr Jensen", written_against=1)
    assert helping.offered(case, lea) is None
    case.assign(lea, by=sue)  # given, not taken over
    assert helping.offered(case, lea) is None
    case.assign(ana, by=sue)
    helping.take_over(case, by=lea, reason="Mine")
    assert helping.offered(case, lea) == Draft.objects.get()
    assert helping.offered(case, sue) is None
    case.assign(ana, by=lea)
    assert helping.offered(case, lea) is None


def test_without_a_reason_nothing_is_taken(case: Case, ana: User, lea: User) -> None:
    said = desk(lea, hx_request="true").post(f"/cases/{case.number}/takeover/", {"reason": "  "})
    assert (said.status_code, said.content.decode()) == (409, "Say why, for whoever had it and the team.")
    with pytest.raises(Refusal, match="Say why"):
        helping.take_over(case, by=lea, reason="")
    case.refresh_from_db()
    assert case.assignee == ana
    assert not Message.objects.filter(direction="note").exists()


def test_reps_and_executives_take_nothing_over(billing: Queue, case: Case, lee: User, eve: User) -> None:
    billing.join(eve, mode="work")
    for user in (lee, eve):
        page = desk(user).get(f"/cases/{case.number}/").content.decode()
        assert 'data-action="takeover"' not in page
        assert desk(user).post(f"/cases/{case.number}/takeover/", {"reason": "Mine"}).status_code == 403
        assert desk(user).post(f"/cases/{case.number}/helping/").status_code == 403
    assert not Event.objects.filter(kind__in=["assigned", "helper_joined"]).exists()


def test_over_http_too(case: Case, ana: User, lee: User, lea: User) -> None:
    path = f"cases/{case.number}/"
    assert Caller(lee).post(f"{path}helping/").status_code == 403
    assert Caller(lea).post(f"{path}helping/").status_code == 200
    assert Caller(lea).delete(f"{path}helping/").status_code == 200
    said = Caller(lea).post(f"{path}takeover/", {"reason": "The press"})
    assert (said.status_code, said.json()["assignee"]) == (200, lea.pk)
    assert Event.objects.get(kind="assigned").via == "api"
    assert Event.objects.get(kind="assigned").at <= timezone.now()
