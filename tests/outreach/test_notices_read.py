"""A notice as it is read, answered and counted."""

from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.hooks import answered
from cases.mail import ids
from cases.models import Case, Dispatch, Queue, QueueMembership
from crm.models import User
from customers.models import Customer
from outreach import delivery
from outreach.models import NoticeDelivery, ProblemCase
from tests.builders import make_case, make_queue
from tests.mails import arrived, letter
from tests.outreach.making import (
    NOON,
    TEXTS,
    approved,
    make_owner,
    make_problem,
    run,
    stands,
    told,
)
from tests.reports import bounced

pytestmark = pytest.mark.django_db


def address(n: int) -> str:
    return f"owner{n}@example.org"


# --- what is read, and what comes back


def test_the_mail_says_what_to_do_the_next_step_by_their_clock_and_how_to_stop(sue: User) -> None:
    make_owner(1, language="de-CH", tz="Europe/Zurich")
    problem = make_problem(sue, next_update_at=timezone.now().replace(hour=12, minute=0) + timedelta(days=1))
    approved(problem, sue)
    run()
    (said,) = mail.outbox
    assert said.subject == TEXTS["de"]["subject"]
    assert said.body.startswith(TEXTS["de"]["body"])
    assert "CET" in said.body or "CEST" in said.body
    assert "/unsubscribe/" in said.body
    assert said.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address, _second, _seal = said.extra_headers["List-Unsubscribe"].strip("<>").rsplit(":", 2)
    assert address in said.body  # each of the two is sealed in its own second
    assert said.extra_headers["Auto-Submitted"] == "auto-generated"


def test_a_language_nobody_wrote_in_gets_english(sue: User) -> None:
    make_owner(1, language="es")
    approved(make_problem(sue), sue)
    run()
    (said,) = mail.outbox
    assert said.subject == TEXTS["en"]["subject"]
    assert "Next step: We repair the firmware, by" in said.body


def test_a_name_cannot_break_the_mail(sue: User) -> None:
    owner = make_owner(1)
    Customer.objects.filter(pk=owner.pk).update(name="Eve\r\nBcc: all@example.org {{ settings.SECRET_KEY }}")
    approved(make_problem(sue), sue)
    run()
    (said,) = mail.outbox
    assert said.recipients() == ["Eve Bcc: all@example.org {{ settings.SECRET_KEY }} <owner1@example.org>"] or all(
        "\n" not in to for to in said.recipients()
    )
    assert "Bcc" not in said.message()


def test_an_answer_links_its_case_and_a_closed_problem_takes_none(sue: User, billing: Queue) -> None:
    for n in range(2):
        make_owner(n)
    problem = make_problem(sue)
    approved(problem, sue)
    run()
    first, second = Dispatch.objects.order_by("pk")
    case = make_case(billing, customer=first.customer)
    answered.run(first, case)
    answered.run(first, case)
    link = ProblemCase.objects.get()
    assert (link.case, link.via, link.linked_by) == (case, "reply", None)
    assert NoticeDelivery.objects.exclude(answered_at=None).count() == 1
    problem.close(by=sue)
    assert [f.failure for f in answered.run(second, make_case(billing))] == ["", ""]
    assert ProblemCase.objects.count() == 1


def test_an_answer_in_a_case_of_another_problem_leaves_it_there(sue: User, billing: Queue) -> None:
    make_owner(1)
    problem, other = make_problem(sue), make_problem(sue, title="Other", condition=None)
    case = make_case(billing)
    other.link(case, by=sue)
    approved(problem, sue)
    run()
    answered.run(Dispatch.objects.get(), case)
    assert ProblemCase.objects.get().problem == other


def test_told_first_counts_who_had_not_yet_written_to_us_about_it(sue: User, billing: Queue) -> None:
    wrote, silent, later = (make_owner(n) for n in range(3))
    problem = make_problem(sue)
    problem.link(make_case(billing, customer=wrote, opened_at=timezone.now() - timedelta(hours=1)), by=sue)
    approved(problem, sue)
    run()
    case = make_case(billing, customer=later, opened_at=timezone.now() + timedelta(hours=1))
    problem.link(case, by=sue)
    delivery.recount(problem, timezone.now())
    assert (problem.told, problem.told_first) == (3, 2)
    assert silent.pk


def test_a_bounce_that_comes_later_is_no_longer_counted_as_told(sue: User) -> None:
    make_owner(1)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    run()
    Dispatch.objects.update(state="failed", reason="undelivered")
    delivery.follow_ended(timezone.now())
    problem.refresh_from_db()
    assert problem.told == 0
    assert stands(notice) == {"failed.undelivered": 1}


def test_what_a_server_reports_is_filed_with_the_mail_and_shown_with_the_notice(
    client: Client, sue: User, billing: Queue
) -> None:
    case = make_case(billing, customer=make_owner(1))
    make_owner(2)
    notice = approved(make_problem(sue), sue)
    run()
    dispatch = notice.deliveries.get(customer=case.customer).dispatch
    assert dispatch is not None
    item = arrived(bounced(dispatch, to="help@brightwave.example", named=True), queue=billing)
    assert (item.state, item.error, item.dispatch, item.message) == ("ignored", "bounce_to_mail", dispatch, None)
    assert Case.objects.get() == case
    assert not case.messages.exists()
    delivery.follow_ended(timezone.now())
    assert stands(notice) == {"failed.no_address": 1, "sent": 1}

    client.force_login(sue)
    page = client.get(f"/notices/{notice.pk}/deliveries/?state=failed").content.decode()
    assert "no mail address" not in page
    progress = client.get(f"/notices/{notice.pk}/progress/").content.decode()
    assert "there is no such address; nothing more is sent to it" in progress
    report = f"/admin/cases/inbounditem/{item.pk}/change/"
    assert "there is no such address; nothing more is sent to it" in page
    assert f'href="{report}"' in page
    shown = client.get(report).content.decode()
    assert "that mail is marked with it" in shown
    assert "notice · failed · there is no such address" in shown
    QueueMembership.objects.filter(user=sue, role="supervisor").update(queue=make_queue("Elsewhere"))
    assert report not in client.get(f"/notices/{notice.pk}/deliveries/").content.decode()


def test_a_robot_that_answers_a_notice_is_filed_with_it(sue: User, billing: Queue) -> None:
    make_owner(1)
    notice = approved(make_problem(sue), sue)
    run()
    dispatch = notice.deliveries.get().dispatch
    assert dispatch is not None
    answer = {"in_reply_to": ids.message_id(dispatch), "auto_submitted": "auto-replied"}
    raw = letter("I am on holiday.", sender=dispatch.address, **answer)
    item = arrived(raw, queue=billing)
    assert (item.state, item.error, item.dispatch) == ("ignored", "auto_reply_to_mail", dispatch)
    assert stands(notice) == {"sent": 1}


def test_what_they_were_told_is_in_their_timeline(sue: User) -> None:
    from customers.hooks import timeline

    owner = make_owner(1)
    approved(make_problem(sue), sue)
    run()
    entries = [e for part in timeline.collect(owner, sue, timezone.now() + timedelta(1), 10, "notice") for e in part]
    assert [e.title for e in entries] == [f"Told: {TEXTS['en']['subject']}"]


def test_a_hundred_waits_in_batches_ahead_of_the_loop_by_a_bounded_number(sue: User) -> None:
    for n in range(30):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    with mock.patch.object(delivery, "AHEAD", 10), mock.patch.object(delivery, "BATCH", 4):
        for _round in range(6):
            delivery.deliver_due(timezone.now())
        assert Dispatch.objects.count() == 10
    run()
    assert len(told(notice)) == 30


def test_an_answer_to_a_customer_overtakes_a_notice(sue: User, ana: User, billing: Queue, carl: Customer) -> None:
    from tests.builders import make_message

    for n in range(5):
        make_owner(n)
    approved(make_problem(sue), sue)
    delivery.deliver_due(timezone.now())
    case = make_case(billing, customer=carl)
    make_message(case, sender=carl.contact_points.get(kind="email"))
    case.refresh_from_db()
    conversation.reply(case, by=ana, text="Five days.", written_against=case.version)
    Dispatch.objects.filter(source="message").update(release_at=NOON - timedelta(days=1), released_at=NOON)
    from cases import outward

    outward.send_due(timezone.now())
    assert [m.to for m in mail.outbox] == [["Carl Jensen <carl@example.org>"]]
