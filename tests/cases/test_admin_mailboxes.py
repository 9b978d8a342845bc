"""An administrator's mailboxes: set up, tried, shown in words; a secret goes in and never comes out."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from cases import mailboxes
from cases.models import Mailbox, MailboxMail, Queue
from crm import doctor, health
from crm.models import User
from crm.secrets import decrypt
from tests.imapserver import PASSWORD, USERS, ImapServer
from tests.mailboxes import look, mail, make_mailbox

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/system/cases/mailbox/"


@pytest.fixture
def office(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def form(queue: Queue, port: int = 993, **fields: Any) -> dict[str, Any]:
    made = {"name": "Help", "address": "help@imap.example", "queue": queue.pk, "is_active": "on", "host": "127.0.0.1"}
    made |= {"port": port, "tls": "none", "user": USERS[0], "sign_in": "password", "new_password": PASSWORD}
    return {**made, "folder": "INBOX", "after": "leave", "starts": "all", **fields}


def page(client: Client, box: Mailbox | None = None) -> str:
    return client.get(f"{LIST}{box.pk}/change/" if box else LIST).content.decode()


def test_one_is_set_up_tried_and_its_secret_never_shown(imap: ImapServer, office: Client, billing: Queue) -> None:
    imap.append(mail(1), mail(2))
    told = office.post(f"{LIST}add/", form(billing, imap.port, save_and_test="1"), follow=True).content.decode()
    assert "signed in" in told
    assert "has 2 mails" in told
    box = Mailbox.objects.get()
    assert decrypt(box.password) == PASSWORD
    assert PASSWORD not in box.password
    for shown in (told, page(office), page(office, box), office.get(f"{LIST}{box.pk}/history/").content.decode()):
        assert f'value="{PASSWORD}"' not in shown
        assert box.password not in shown
    again = form(billing, imap.port, name="Service", new_password="")
    assert office.post(f"{LIST}{box.pk}/change/", again).status_code == 302
    box.refresh_from_db()
    assert (box.name, decrypt(box.password)) == ("Service", PASSWORD)
    office.post(f"{LIST}{box.pk}/change/", form(billing, imap.port, new_password="brand new secret"))
    assert "brand new secret" not in " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_the_test_says_in_words_what_is_wrong(imap: ImapServer, office: Client, billing: Queue) -> None:
    wrong = form(billing, imap.port, new_password="nope", save_and_test="1")
    assert "does not let us in" in office.post(f"{LIST}add/", wrong, follow=True).content.decode()
    box = Mailbox.objects.get()
    Mailbox.objects.update(port=1)
    told = office.post(LIST, {"action": "test", "_selected_action": [box.pk]}, follow=True).content.decode()
    assert "cannot be reached" in told
    box.refresh_from_db()
    assert box.failures == 0, "a person who tries is no failure of the one that fetches"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"new_password": ""}, {"new_password"}),
        ({"host": "imap.example.org"}, {"tls"}),
        ({"sign_in": "oauth2"}, {"token_url", "client_id"}),
        ({"sign_in": "oauth2", "token_url": "http://a.example/t", "client_id": "us"}, {"token_url"}),
        ({"after": "move"}, {"after_folder"}),
        ({"after": "move", "after_folder": "INBOX"}, {"after_folder"}),
        ({"port": 0}, {"port"}),
    ],
)
def test_a_fault_is_told_beside_its_field(office: Client, billing: Queue, fields: Any, wrong: set[str]) -> None:
    answer = office.post(f"{LIST}add/", form(billing, **fields))
    assert set(answer.context["adminform"].form.errors) == wrong
    assert not Mailbox.objects.exists()


def test_saving_leaves_what_the_one_who_fetches_has_written(imap: ImapServer, office: Client, billing: Queue) -> None:
    box = make_mailbox(imap, billing)
    office.get(f"{LIST}{box.pk}/change/")
    imap.append(mail(1))
    look(box)
    office.post(f"{LIST}{box.pk}/change/", form(billing, imap.port, name="Service"))
    mark = box.last_uid
    box.refresh_from_db()
    assert (box.name, box.last_uid, box.lease_owner) == ("Service", mark, "this test")
    office.post(f"{LIST}{box.pk}/change/", form(billing, imap.port, folder="Other"))
    box.refresh_from_db()
    assert (box.folder, box.last_uid, box.mails.count()) == ("Other", 0, 0), "another folder: other mails"


def test_the_list_says_how_each_is(imap: ImapServer, office: Client, billing: Queue) -> None:
    box = make_mailbox(imap, billing)
    imap.append(mail(1), mail(2))
    look(box)
    assert "waiting: the server says when mail comes" in page(office)
    assert "2 / 2" in page(office)
    assert "nothing waits" in page(office)
    ago = timezone.now() - timedelta(minutes=9)
    Mailbox.objects.update(
        failing_since=ago, last_seen_at=ago, last_error="sign_in", error_detail="[AUTH] no", failures=3
    )
    Mailbox.objects.update(waiting=3, waiting_since=ago)
    assert "failing since" in page(office)
    assert "3 mails wait, the oldest for 9 min" in page(office)
    assert "does not let us in" in page(office, box)
    assert "[AUTH] no" in page(office, box)


def test_a_failing_mailbox_is_an_alarm_to_health_metrics_and_doctor(
    imap: ImapServer, office: Client, billing: Queue
) -> None:
    box = make_mailbox(imap, billing)
    look(box)
    assert examined(box) == ("fine", True)
    ago = timezone.now() - timedelta(minutes=4)
    Mailbox.objects.update(failing_since=ago, last_seen_at=ago, last_error="lost", waiting=2, waiting_since=ago)
    figures = health.gauges()
    assert (figures["stuck_mailboxes_late"], figures["mailboxes_failing"]) == (0, 1)
    assert figures["mailbox_lag_seconds"] >= 240
    Mailbox.objects.update(last_seen_at=ago - timedelta(minutes=2), waiting_since=ago - timedelta(minutes=2))
    figures = health.gauges()
    assert (figures["stuck_mailboxes_late"], figures["stuck_mailbox_mail_late"]) == (1, 2)
    assert examined(box)[0] == "bad"
    Mailbox.objects.update(is_active=False)
    assert health.gauges()["stuck_mailboxes_late"] == 0
    Mailbox.objects.update(is_active=True, port=1)
    (found,) = list(doctor.of_the_apps())
    assert "cannot be reached" in found.text


def examined(box: Mailbox) -> tuple[str, bool]:
    (found,) = list(doctor.of_the_apps())
    return found.level, f"mailbox {box.address} (INBOX): answers and lets us in" in found.text


def test_mails_that_were_not_to_be_had_are_listed_and_asked_for_again(
    imap: ImapServer, office: Client, billing: Queue
) -> None:
    box = make_mailbox(imap, billing)
    imap.append(mail(1))
    uid = imap.uids()[0]
    row = box.mails.create(uidvalidity=1, uid=uid, state="skipped", error="withheld", attempts=5)
    assert "does not hand the mail out" in office.get("/system/cases/mailboxmail/").content.decode()
    office.post("/system/cases/mailboxmail/", {"action": "retry", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.state, row.attempts) == (MailboxMail.State.FAILING, 0)
    assert mailboxes.PAUSES
