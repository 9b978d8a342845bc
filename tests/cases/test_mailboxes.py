"""Mail fetched from real IMAP servers: nothing lost, nothing twice, nothing touched before it is stored."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import intake, mailboxes
from cases.mail.imap import Line
from cases.models import Acknowledgement, InboundItem, Mailbox, MailboxMail, Queue
from cases.models.mailbox import LeaseLost
from tests.imapserver import USERS, ImapServer
from tests.mailboxes import OWNER, look, mail, make_mailbox, raws

pytestmark = pytest.mark.django_db(transaction=True)
State = MailboxMail.State


def test_what_is_there_is_stored_once_in_order_and_nothing_on_the_server_changes(
    imap: ImapServer, billing: Queue
) -> None:
    box = make_mailbox(imap, billing)
    imap.append(*(mail(n) for n in range(1, 8)))
    before = imap.flags()
    assert look(box, times=2) == 7
    assert look(box) == 0
    assert raws() == [mail(n) for n in range(1, 8)]
    assert imap.flags() == before
    assert (box.last_uid, box.server_count, box.waiting, box.last_error) == (max(imap.uids()), 7, 0, "")
    assert box.last_success_at is not None
    assert {item.queue_id for item in InboundItem.objects.all()} == {billing.pk}


def test_a_second_look_asks_only_beyond_the_mark_though_the_server_names_the_last_mail_always(
    imap: ImapServer, billing: Queue
) -> None:
    box = make_mailbox(imap, billing)
    imap.append(mail(1), mail(2))
    look(box)
    with mailboxes.connect(box, now=timezone.now()) as line:
        assert line.uids(box.last_uid) == []
        imap.append(mail(3))
        line.look()
        assert len(line.uids(box.last_uid)) == 1


def test_what_arrives_while_it_waits_ends_the_wait(imap: ImapServer, billing: Queue) -> None:
    """By the server's word, not by time: that it is quick enough is measured where both screens are
    (tests/faults/test_mailboxes.py)."""
    box = make_mailbox(imap, billing)
    with mailboxes.connect(box, now=timezone.now()) as line:
        assert line.has_idle
        visit = mailboxes.Visit(box, line, OWNER)
        visit.begin()
        visit.look()
        for n in range(3):
            postman = threading.Timer(0.5, imap.append, [mail(n)])
            postman.start()
            began = time.monotonic()
            line.wait(300, threading.Event())
            assert time.monotonic() - began < 120
            assert visit.look() == 1
            postman.join()
    assert len(raws()) == 3


def test_several_mailboxes_and_folders_each_have_their_own_mark_and_queue(
    imap: ImapServer, billing: Queue, technical: Queue
) -> None:
    boxes = [
        make_mailbox(imap, billing),
        make_mailbox(imap, technical, user=USERS[1], address=USERS[1]),
        make_mailbox(imap, technical, folder="Büro & Co", address="office@imap.example"),
    ]
    imap.append(mail(1))
    imap.append(mail(2), mail(3), user=USERS[1])
    with Line(mailboxes.access(boxes[0], now=timezone.now())) as line:
        line.sign_in()
        line.box.folder.create("Büro & Co")
        line.box.append(mail(4), "Büro & Co")
    assert [look(box) for box in boxes] == [1, 2, 1]
    assert list(InboundItem.objects.order_by("pk").values_list("queue", flat=True)) == [
        billing.pk,
        *(3 * [technical.pk]),
    ]


def test_the_same_mail_in_two_mailboxes_is_one_item_known_in_both(imap: ImapServer, billing: Queue) -> None:
    boxes = [make_mailbox(imap, billing), make_mailbox(imap, billing, user=USERS[1])]
    for user in USERS:
        imap.append(mail(1), user=user)
    assert [look(box) for box in boxes] == [1, 1]
    (item,) = InboundItem.objects.all()
    assert {row.mailbox_id for row in item.mailbox_mails.all()} == {box.pk for box in boxes}


def test_a_folder_made_anew_is_read_again_and_nothing_comes_twice(imap: ImapServer, billing: Queue) -> None:
    box = make_mailbox(imap, billing, folder="Support")
    imap.append(*(mail(n) for n in range(5)), folder="Support")
    look(box)
    was = box.uidvalidity
    imap.made_anew(mail(7), *(mail(n) for n in range(5)), mail(8), folder="Support")
    look(box)
    assert box.uidvalidity != was
    assert (box.server_count, box.waiting) == (7, 0)
    assert raws() == [*(mail(n) for n in range(5)), mail(7), mail(8)]


def test_a_server_put_back_to_an_earlier_day_gives_out_uids_again_and_loses_nothing(
    imap: ImapServer, billing: Queue
) -> None:
    """The same UIDVALIDITY, lower UIDs: by the book it cannot be, and every restored server does it."""
    box = make_mailbox(imap, billing)
    imap.append(mail(1), mail(2))
    look(box)
    Mailbox.objects.filter(pk=box.pk).update(last_uid=box.last_uid + 50)
    for row in MailboxMail.objects.order_by("-uid"):  # as if mails that are gone had had the UIDs to come
        MailboxMail.objects.filter(pk=row.pk).update(uid=row.uid + 2)
    imap.append(mail(3), mail(4))
    look(box)
    assert raws() == [mail(n) for n in range(1, 5)]


def test_what_was_there_before_the_start_is_passed_over_and_what_is_moved_in_later_is_read(
    imap: ImapServer, billing: Queue
) -> None:
    now = timezone.now()
    box = make_mailbox(imap, billing, reads_from=now - timedelta(days=1))
    imap.append(mail(1), mail(2), date=(now - timedelta(days=3)).timestamp())
    imap.append(mail(3))
    assert look(box) == 1
    assert (box.waiting, box.mails.filter(state=State.OLD).count()) == (0, 2)
    imap.append(mail(4), date=(now - timedelta(days=9)).timestamp())
    assert look(box) == 1
    assert raws() == [mail(3), mail(4)]


def test_what_was_missed_below_the_mark_is_found_by_comparing(imap: ImapServer, billing: Queue) -> None:
    box = make_mailbox(imap, billing)
    imap.append(mail(1), mail(2), mail(3))
    look(box)
    first = MailboxMail.objects.earliest("uid")
    first.delete()
    InboundItem.objects.earliest("pk").delete()
    with mailboxes.connect(box, now=timezone.now()) as line:
        visit = mailboxes.Visit(box, line, OWNER)
        visit.begin()
        assert visit.look() == 1, "a new line compares all that is there with all that is stored"
        assert visit.look() == 0
        MailboxMail.objects.filter(uid=first.uid).delete()
        assert visit.look() == 0, "beyond the mark there is nothing"
        visit.clock = lambda: timezone.now() + timedelta(minutes=11)
        assert visit.look() == 1, "and so it does every ten minutes"
    assert sorted(raws()) == [mail(1), mail(2), mail(3)]


def test_mails_expunged_before_they_were_read_or_after_do_not_disturb(imap: ImapServer, billing: Queue) -> None:
    box = make_mailbox(imap, billing)
    imap.append(*(mail(n) for n in range(6)))
    uids = imap.uids()
    imap.expunge(uids[1], uids[2])
    look(box)
    imap.expunge(uids[0])
    imap.append(mail(6))
    look(box)
    assert raws() == [mail(n) for n in (0, 3, 4, 5, 6)]
    assert (box.server_count, box.waiting) == (4, 0)


def test_a_mail_that_goes_between_finding_and_fetching_is_no_trouble(
    imap: ImapServer, billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make_mailbox(imap, billing)
    imap.append(*(mail(n) for n in range(4)))
    taken = imap.uids()[1]
    heads = Line.heads

    def slowly(line: Line, uids: Any) -> Any:
        found = heads(line, uids)
        if taken in found:
            imap.expunge(taken)
        return found

    monkeypatch.setattr(Line, "heads", slowly)
    look(box, times=2)
    monkeypatch.undo()
    look(box)
    assert raws() == [mail(n) for n in (0, 2, 3)]
    assert box.waiting == 0
    assert not MailboxMail.objects.filter(state__in=[State.FAILING, State.SKIPPED]).exists()


@pytest.mark.parametrize("after", ["seen", "move"])
def test_once_stored_mails_are_marked_or_moved_and_what_others_marked_deleted_stays(
    imap: ImapServer, billing: Queue, after: str
) -> None:
    box = make_mailbox(imap, billing, after=after, after_folder="Done")
    imap.append(mail(1), mail(2), mail(3))
    imap.flag(imap.uids()[2], r"(\Deleted)")
    look(box)
    assert len(raws()) == 3
    if after == "seen":
        assert [rb"\Seen" in flags for flags in imap.flags()] == [True, True, True]
        assert rb"\Deleted" in imap.flags()[2]
    else:
        assert (imap.uids(), len(imap.uids("Done"))) == ([], 3)
    assert not MailboxMail.objects.filter(is_settled=False).exists()


def test_a_crash_after_storing_and_before_moving_is_made_good(imap: ImapServer, billing: Queue) -> None:
    box = make_mailbox(imap, billing, after="move", after_folder="Done")
    imap.append(mail(1), mail(2))
    with mailboxes.connect(box, now=timezone.now()) as line:
        visit = mailboxes.Visit(box, line, OWNER)
        visit.begin()
        visit._settle = lambda: None  # type: ignore[method-assign]
        visit.look()
    assert len(imap.uids()) == 2
    look(box)
    assert (imap.uids(), len(imap.uids("Done")), len(raws())) == ([], 2, 2)


def test_a_mail_too_large_is_a_message_by_its_header_that_says_so_and_the_next_comes(
    imap: ImapServer, billing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "LARGEST", 3_000_000)
    box = make_mailbox(imap, billing)
    imap.append(mail(1, size=3_100_000), mail(2, size=2_500_000), mail(3))
    look(box, times=2)
    large, *others = InboundItem.objects.order_by("pk")
    assert (large.state, large.error, large.queue_id) == ("stored", "", billing.pk)
    assert b"Subject: Mail 1" in bytes(large.raw)
    assert len(large.raw) < 1000
    assert [len(item.raw) > 2_000_000 for item in others] == [True, False]
    intake.sweep_inbound(timezone.now())
    large.refresh_from_db()
    said = large.message
    assert said is not None
    assert (large.state, said.flags, said.text, said.case.subject) == ("done", ["only_its_header"], "", "Mail 1")
    assert said.case.customer is not None
    assert not InboundItem.objects.kept().exists()
    assert Acknowledgement.objects.filter(message=said).exists(), "they hear that it arrived, like everybody"
    Mailbox.objects.filter(pk=box.pk).update(uidvalidity=1)
    look(box)
    assert InboundItem.objects.count() == 3, "read again, it is known by its header and size"


def test_a_backlog_of_a_thousand_comes_in_whole_and_in_order(imap: ImapServer, billing: Queue, full: bool) -> None:
    many = 1000 if full else 120
    box = make_mailbox(imap, billing)
    imap.append(*(mail(n) for n in range(many)))
    assert look(box) == many
    assert raws() == [mail(n) for n in range(many)]
    assert (box.waiting, box.server_count) == (0, many)


def test_a_lost_lease_lets_nothing_be_written(imap: ImapServer, billing: Queue) -> None:
    box = make_mailbox(imap, billing)
    imap.append(mail(1))
    Mailbox.objects.filter(pk=box.pk).update(lease_owner="another")
    with pytest.raises(LeaseLost):
        look(box)
    assert not MailboxMail.objects.exists()
    box.refresh_from_db()
    assert box.last_uid == 0
