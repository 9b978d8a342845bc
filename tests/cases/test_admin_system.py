"""An administrator's work in /system/: people, channels and their secrets, and what got stuck."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from cases.models import Channel, Dispatch, InboundItem, Queue
from crm import tokens
from crm.models import ApiToken, User
from customers.models import Suppression
from tests.builders import make_user

PASSWORD = "a long enough one"


@pytest.fixture
def office(root: User) -> Client:
    """Root at the system's admin."""
    client = Client()
    client.force_login(root)
    return client


def person_form(user: User, **fields: Any) -> dict[str, Any]:
    named = {name: getattr(user, name) for name in ("username", "first_name", "last_name", "role", "language", "tz")}
    return {**named, "is_active": "on", **fields}


def act(client: Client, path: str, action: str, *rows: Any) -> Any:
    return client.post(
        f"/system/{path}/", {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True
    )


# --- people


def test_a_person_is_made_and_can_sign_in(office: Client) -> None:
    form = {"username": "nia", "first_name": "Nia", "last_name": "Roy", "role": "supervisor"}
    form |= {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "is_superuser": "on"}
    assert office.post("/system/crm/user/add/", form).status_code == 302
    nia = User.objects.get(username="nia")
    assert (nia.role, nia.is_superuser, nia.check_password(PASSWORD)) == ("supervisor", False, True)
    answer = Client().post("/sign-in/?next=/admin/", {"username": "nia", "password": PASSWORD})
    assert answer["Location"] == "/admin/"


def test_a_person_is_changed_and_the_history_says_what(office: Client, ana: User) -> None:
    path = f"/system/crm/user/{ana.pk}"
    assert office.post(f"{path}/change/", person_form(ana, tz="Europe/Berlin", language="de")).status_code == 302
    ana.refresh_from_db()
    assert (ana.tz, ana.language) == ("Europe/Berlin", "de")
    assert "UTC → Europe/Berlin" in office.get(f"{path}/history/").content.decode()


@pytest.mark.parametrize("field", [{"tz": "Mars/Base"}, {"language": "xx"}, {"role": "king"}])
def test_a_fault_is_told_beside_its_field(office: Client, ana: User, field: dict[str, str]) -> None:
    answer = office.post(f"/system/crm/user/{ana.pk}/change/", person_form(ana, **field))
    assert set(answer.context["adminform"].form.errors) == set(field)


def test_a_password_is_set_and_never_told(office: Client, ana: User) -> None:
    path = f"/system/crm/user/{ana.pk}/password/"
    assert office.get(path).status_code == 200
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert office.post(path, form).status_code == 302
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)
    assert PASSWORD not in office.get(f"/system/crm/user/{ana.pk}/history/").content.decode()


def test_nobody_takes_their_own_rights_away(office: Client, root: User) -> None:
    for fields in ({"role": "staff"}, {"is_active": ""}):
        answer = office.post(f"/system/crm/user/{root.pk}/change/", person_form(root, **fields))
        assert "your own rights" in answer.content.decode()
    root.refresh_from_db()
    assert (root.role, root.is_active) == ("administrator", True)


def test_a_former_administrator_keeps_no_mark(office: Client) -> None:
    old = make_user("Old Boss", role="administrator", is_superuser=True, is_staff=True)
    assert office.post(f"/system/crm/user/{old.pk}/change/", person_form(old, role="staff")).status_code == 302
    old.refresh_from_db()
    assert (old.is_superuser, old.is_staff, old.is_administrator) == (False, False, False)


def test_a_supervisor_cannot_set_passwords_or_roles(sue: User, ana: User) -> None:
    client = Client()
    client.force_login(sue)
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert client.post(f"/system/crm/user/{ana.pk}/password/", form).status_code == 403
    assert client.post(f"/system/crm/user/{sue.pk}/change/", person_form(sue, role="administrator")).status_code == 403
    for user in (ana, sue):
        before = user.role
        user.refresh_from_db()
        assert (user.role, user.check_password(PASSWORD)) == (before, False)


def test_administrators_mark_a_queue_as_a_supervisors(office: Client, technical: Queue, sue: User) -> None:
    form = {"name": "Technical", "is_active": "on", "memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0}
    form |= {
        "assignment": "by_hand",
        "return_minutes": 15,
        "skill_minutes": 10,
        "asks_disposition": "no",
        "asks_cause": "no",
        "approval_minutes": 15,
    }
    form |= {"memberships-0-user": sue.pk, "memberships-0-role": "supervisor", "memberships-0-queue": technical.pk}
    assert office.post(f"/system/cases/queue/{technical.pk}/change/", form).status_code == 302
    assert technical in Queue.objects.steered_by(sue)


# --- channels and tokens


def test_a_channels_secret_is_shown_once_and_a_new_one_overlaps(office: Client, billing: Queue) -> None:
    form = {"name": "Shop", "slug": "shop", "queue": billing.pk, "is_active": "on", "callback_url": ""}
    shown = office.post("/system/cases/channel/add/", form)
    channel = Channel.objects.get()
    (first,) = channel.active_secrets()
    assert first in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    for page in ("/system/cases/channel/", f"/system/cases/channel/{channel.pk}/change/"):
        assert first not in office.get(page).content.decode()
    rotated = act(office, "cases/channel", "rotate", channel)
    channel.refresh_from_db()
    second, kept = channel.active_secrets()
    assert kept == first
    assert second in rotated.content.decode()
    assert first not in rotated.content.decode()
    act(office, "cases/channel", "retire", channel)
    channel.refresh_from_db()
    assert channel.active_secrets() == [second]


def test_a_reserved_name_is_refused_in_words(office: Client, billing: Queue) -> None:
    answer = office.post("/system/cases/channel/add/", {"name": "Mail", "slug": "mail", "queue": billing.pk})
    assert set(answer.context["adminform"].form.errors) == {"slug"}
    assert not Channel.objects.exists()


def test_a_revoked_token_opens_nothing(office: Client, ana: User) -> None:
    text, token = tokens.issue(ana)
    act(office, "crm/apitoken", "revoke", token)
    assert tokens.find(text) is None
    assert ApiToken.objects.get().revoked_at


# --- what got stuck


def test_a_kept_item_is_tried_again(office: Client) -> None:
    item = InboundItem.objects.create(channel="shop", external_id="1", raw=b"canary", state="kept", error="no sender")
    assert b"canary" not in office.get(f"/system/cases/inbounditem/{item.pk}/change/").content
    act(office, "cases/inbounditem", "retry", item)
    item.refresh_from_db()
    assert (item.state, item.attempts, item.error) == ("stored", 0, "")


def test_only_dispatches_in_trouble_are_listed_and_none_is_changed(office: Client) -> None:
    made = {
        state: Dispatch.objects.create(
            channel="mail", address="a@b.example", message_class="answer", source_id=number, state=state
        )
        for number, state in enumerate(Dispatch.State.values)
    }
    answers = {s: office.get(f"/system/cases/dispatch/{row.pk}/change/").status_code for s, row in made.items()}
    assert {state for state, status in answers.items() if status == 200} == {"failed", "unknown"}
    assert office.post(f"/system/cases/dispatch/{made['failed'].pk}/change/", {"state": "held"}).status_code == 403
    made["failed"].refresh_from_db()
    assert made["failed"].state == "failed"


def test_a_suppression_is_spelt_added_once_and_lifted(office: Client) -> None:
    form = {"kind": "email", "value": "Carl@Example.ORG", "purpose": "", "reason": "asked us to"}
    assert office.post("/system/customers/suppression/add/", form).status_code == 302
    row = Suppression.objects.get()
    assert row.value == "carl@example.org"
    again = office.post("/system/customers/suppression/add/", form)
    assert "suppressed already" in again.content.decode()
    act(office, "customers/suppression", "lift", row)
    row.refresh_from_db()
    assert row.lifted_at is not None
    assert row.lifted_at <= timezone.now()
    kept = " ".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all())
    assert "Lifted" in kept
    assert "example" not in kept.lower()


def test_an_address_that_is_none_is_refused_in_words(office: Client) -> None:
    form = {"kind": "email", "value": "nowhere", "purpose": "", "reason": "x"}
    answer = office.post("/system/customers/suppression/add/", form)
    assert set(answer.context["adminform"].form.errors) == {"value"}
    assert not Suppression.objects.exists()


def test_an_empty_list_says_what_it_is_for(office: Client) -> None:
    page = office.get("/system/cases/mailbox/").content.decode()
    nothing = page.partition('class="house-nothing"')[2].partition("Add mailbox")[0]
    assert "Where mail is fetched, and how each one is." in nothing


def test_a_persons_page_speaks_our_words(office: Client, ana: User) -> None:
    page = office.get(f"/system/crm/user/{ana.pk}/change/").content.decode()
    assert "Who is not cannot sign in. What they did keeps their name." in page
    assert "Mail address" in page
    assert "Designates" not in page
