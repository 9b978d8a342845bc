"""L22: every change of a case has one actor, one reason, one event, whatever is done to it in whatever order.

A machine does what people, channels and sweeps do, at random, to a few cases. After every step each case is told again
from its events alone and compared with its row; what was refused has changed and written nothing.
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cases import clocks, conversation, outward, promises, receipts, transitions, whose
from cases import merging as joining
from cases.channels import Failed, Later, Unknown
from cases.intake import open_case
from cases.models import Case, CaseMerge, Clock, Dispatch, Message, Promise, QueueMembership
from cases.models.case import Refusal
from cases.routing import claim_next, wake_due
from crm.models import Event, User
from customers import merging
from customers.models import Customer, Merge
from tests.builders import make_customer, make_queue, make_user
from tests.cases import merged, telling
from tests.cases.clockwork import make_policy
from tests.cases.machines import Timed

pytestmark = pytest.mark.django_db

STATUSES = st.sampled_from([*transitions.ACTIVE, "resolved", "closed", "spam"])
OUTCOMES = {
    "sent": None,
    "later": Later("busy"),
    "failed": Failed("no such address"),
    "unknown": Unknown("silence"),
}
PAUSING = ("waiting_customer", "waiting_internal")
MOST_CASES = 3


class Desk(Timed):
    """Two queues with their people, two customers who may be one, and up to three cases."""

    @initialize()
    def furnish(self) -> None:
        self.ana, self.lee, self.ben = (make_user(name) for name in ("Ana", "Lee", "Ben"))
        self.people = {user.pk: user for user in (self.ana, self.lee, self.ben)}
        self.queues = [make_queue("Billing", reps=[self.ana, self.lee]), make_queue("Technical", reps=[self.ben])]
        QueueMembership.objects.create(queue=self.queues[1], user=self.lee)
        targets = {"first_response": 60, "next_response": 90, "update": 240, "resolution": 600}
        make_policy(queues=self.queues[:1], pause=PAUSING, **targets)
        self.customers = [make_customer("Carl", email="carl@example.org"), make_customer("Karl", email="k@example.org")]
        self.open(0, 0, "normal")

    # --- how a step is taken

    @contextmanager
    def step(self) -> Iterator[None]:
        """What a verb refuses has changed nothing and written nothing."""
        before, last = telling.everything(), _last()
        try:
            with transaction.atomic():
                yield
        except (Refusal, merging.CannotMerge):
            assert telling.everything() == before, "refused, and yet something changed"
            assert _last() == last, "refused, and yet something was written"
            return
        written = list(Event.objects.filter(pk__gt=last).order_by("pk"))
        telling.check_written(written)
        telling.check_explained(before, telling.everything(), written)
        self.now += timedelta(milliseconds=10)

    def case(self, which: int) -> Case:
        cases = list(Case.objects.order_by("pk"))
        return cases[which % len(cases)]

    def person(self, which: int) -> User:
        return list(self.people.values())[which % len(self.people)]

    # --- whose it is

    @precondition(lambda self: Case.objects.count() < MOST_CASES)
    @rule(queue=st.integers(0, 1), customer=st.integers(0, 2), priority=st.sampled_from(Case.Priority.values))
    def open(self, queue: int, customer: int, priority: str) -> None:
        """The third customer is nobody we believe."""
        theirs = self.customers[customer : customer + 1]
        with self.step():
            open_case(
                queue=self.queues[queue],
                customer=merging.current(Customer.objects.get(pk=theirs[0].pk)) if theirs else None,
                subject="Router",
                channel="mail",
                at=self.now,
                via="channel",
                priority=priority,
            )

    @rule(which=st.integers(0, 2), customer=st.integers(0, 2))
    def say_whose(self, which: int, customer: int) -> None:
        """The third is somebody nobody knew."""
        with self.step():
            if customer < len(self.customers):
                whose.belongs_to(self.case(which), self.customers[customer], by=self.ana, at=self.now)
            else:
                whose.newcomer(self.case(which), name="Cleo", mail="", by=self.ana, at=self.now)

    @rule(which=st.integers(0, 2), who=st.integers(0, 2))
    def claim(self, which: int, who: int) -> None:
        with self.step():
            self.case(which).claim(by=self.person(who), at=self.now)

    @rule(queue=st.integers(0, 1), who=st.integers(0, 2))
    def take_next(self, queue: int, who: int) -> None:
        with self.step():
            claim_next(self.queues[queue], self.person(who), at=self.now)

    @rule(which=st.integers(0, 2), who=st.integers(0, 2), to=st.integers(0, 2))
    def assign(self, which: int, who: int, to: int) -> None:
        with self.step():
            self.case(which).assign(self.person(to), by=self.person(who), at=self.now)

    @rule(which=st.integers(0, 2))
    def release(self, which: int) -> None:
        with self.step():
            self.case(which).release(by=self.lee, at=self.now)

    @rule(which=st.integers(0, 2), queue=st.integers(0, 1))
    def transfer(self, which: int, queue: int) -> None:
        with self.step():
            self.case(which).transfer(self.queues[queue], by=self.lee, at=self.now)

    # --- where it stands, how it is described

    @rule(which=st.integers(0, 2), status=STATUSES)
    def change_status(self, which: int, status: str) -> None:
        with self.step():
            self.case(which).change_status(status, by=self.lee, at=self.now)

    @rule(which=st.integers(0, 2), minutes=st.sampled_from([-5, 30, 600]))
    def snooze(self, which: int, minutes: int) -> None:
        with self.step():
            self.case(which).snooze(self.now + timedelta(minutes=minutes), by=self.lee, at=self.now)

    @rule(which=st.integers(0, 2))
    def wake(self, which: int) -> None:
        with self.step():
            self.case(which).wake(by=self.lee, at=self.now)

    @rule(which=st.integers(0, 2), priority=st.sampled_from([*Case.Priority.values, "burning"]))
    def set_priority(self, which: int, priority: str) -> None:
        with self.step():
            self.case(which).set_priority(priority, by=self.lee, at=self.now)

    @rule(which=st.integers(0, 2), tags=st.lists(st.sampled_from(["refund", "VIP ", ""]), max_size=3))
    def set_tags(self, which: int, tags: list[str]) -> None:
        with self.step():
            self.case(which).set_tags(tags, by=self.lee, at=self.now)

    # --- what is said

    @rule(which=st.integers(0, 2), auto=st.booleans())
    def hear(self, which: int, auto: bool) -> None:
        with self.step():
            conversation.add_inbound(
                self.case(which), text="Hello?", sender=None, channel="mail", at=self.now, is_auto=auto
            )

    @rule(which=st.integers(0, 2), text=st.sampled_from(["@lee knows her", " "]))
    def note(self, which: int, text: str) -> None:
        with self.step():
            conversation.add_note(self.case(which), by=self.ana, text=text, at=self.now)

    @rule(
        which=st.integers(0, 2),
        answer=st.booleans(),
        hours=st.sampled_from([None, -1, 2, 50]),
        then=st.sampled_from(["open", *PAUSING, "resolved", "closed"]),
        stale=st.booleans(),
    )
    def reply(self, which: int, answer: bool, hours: int | None, then: str, stale: bool) -> None:
        case = self.case(which)
        by_when = self.now + timedelta(hours=hours) if hours else None
        with self.step():
            conversation.reply(
                case,
                by=self.ana,
                text="On its way",
                written_against=0 if stale else case.version,
                is_answer=answer,
                by_when=by_when,
                then_status=then,
            )

    def message(self, which: int) -> Message | None:
        written = list(Message.objects.exclude(dispatch=None).order_by("pk"))
        return written[which % len(written)] if written else None

    @rule(which=st.integers(0, 5))
    def take_back(self, which: int) -> None:
        if message := self.message(which):
            with self.step():
                conversation.take_back(message, by=self.ana, at=self.now)

    @rule(outcome=st.sampled_from(sorted(OUTCOMES)))
    def send(self, outcome: str) -> None:
        self.now += timedelta(seconds=11)
        with self.step():
            outward.release_due(self.now)
        adapter = mock.Mock(honours_key=False)
        adapter.send.side_effect, adapter.send.return_value = OUTCOMES[outcome], "theirs"
        with self.step(), mock.patch("cases.sending.adapter_for", return_value=adapter):
            outward.send_due(self.now)

    @rule(which=st.integers(0, 5))
    def retry(self, which: int) -> None:
        if message := self.message(which):
            with self.step(), suppress(Refusal):
                conversation.retry(message, by=self.ana, at=self.now)

    @rule(which=st.integers(0, 5), status=st.sampled_from(["delivered", "read", "failed"]))
    def receipt(self, which: int, status: str) -> None:
        message = self.message(which)
        if message and message.dispatch and message.dispatch.state != Dispatch.State.HELD:
            with self.step():
                receipts.note(message.dispatch, status, at=self.now)

    # --- promises and clocks

    @rule(which=st.integers(0, 2), minutes=st.sampled_from([-1, 10, 300]), owned=st.booleans())
    def promise(self, which: int, minutes: int, owned: bool) -> None:
        due = self.now + timedelta(minutes=minutes)
        with self.step():
            promises.make(
                self.case(which),
                what="Call",
                due_at=due,
                owner=self.lee if owned else None,
                made_by=None,
                at=self.now,
                by=self.ana,
            )

    def promised(self, which: int) -> Promise | None:
        made = list(Promise.objects.order_by("pk"))
        return made[which % len(made)] if made else None

    @rule(which=st.integers(0, 5))
    def keep(self, which: int) -> None:
        if promise := self.promised(which):
            with self.step():
                promises.keep(promise, message=None, by=self.ana, at=self.now)

    @rule(which=st.integers(0, 5), message=st.integers(0, 5), hours=st.sampled_from([-1, 3]))
    def move(self, which: int, message: int, hours: int) -> None:
        promise, told = self.promised(which), self.message(message)
        if promise and told:
            with self.step():
                promises.move(promise, due_at=self.now + timedelta(hours=hours), message=told, by=self.ana, at=self.now)

    @rule(minutes=st.sampled_from([1, 40, 200, 1500]))
    def let_time_pass(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        sweeps: list[Callable[[datetime], int]] = [
            outward.release_due, promises.sweep, clocks.breach_due, clocks.warn_due, wake_due, merging.gather
        ]  # fmt: skip
        for sweep in sweeps:
            with self.step():
                sweep(self.now)

    # --- the customers

    @rule(kept=st.integers(0, 1))
    def merge(self, kept: int) -> None:
        with self.step():
            merging.merge(self.customers[kept], self.customers[1 - kept], by=self.ana, at=self.now)

    @rule()
    def undo_the_merge(self) -> None:
        if merge := Merge.objects.filter(undone_at=None).order_by("pk").last():
            with self.step():
                merging.undo(merge, by=self.ana, at=self.now)

    # --- two cases that are one

    @rule(gone=st.integers(0, 2), kept=st.integers(0, 2))
    def join(self, gone: int, kept: int) -> None:
        with self.step():
            joining.merge(self.case(gone), self.case(kept), by=self.ana, at=self.now)

    @rule(which=st.integers(0, 2))
    def part(self, which: int) -> None:
        done = list(CaseMerge.objects.order_by("pk"))
        if done:
            with self.step():
                joining.undo(done[which % len(done)], by=self.lee, at=self.now)

    @rule(gone=st.integers(0, 2), kept=st.integers(0, 2))
    def join_and_part(self, gone: int, kept: int) -> None:
        """At once undone, a merge has changed nothing but the log."""
        one, other = self.case(gone), self.case(kept)
        with self.step():
            before = merged.everything(one, other)
            done = joining.merge(one, other, by=self.ana, at=self.now)
            if done.at == self.now:
                joining.undo(done, by=self.lee, at=self.now)
                assert merged.everything(one, other) == before

    # --- what holds whatever happened

    @invariant()
    def each_case_is_what_its_events_tell(self) -> None:
        for case in Case.objects.all():
            telling.check_told(case, list(Event.objects.filter(stream="case", stream_id=case.pk).order_by("version")))

    @invariant()
    def clocks_run_where_the_status_lets_them(self) -> None:
        for case in Case.objects.all():
            for clock in case.clocks.select_related("policy_version"):
                telling.check_clock(case, clock)
            telling.check_order(case, Clock.objects.filter(case=case).running(), case.promises.filter(state="open"))


def _last() -> int:
    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def test_every_change_has_one_actor_one_reason_one_event(full: bool) -> None:
    """Short: some hundred steps. Full (`--faults=full`): some ten thousand."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Desk,
        settings=settings(
            max_examples=200 if full else 5,
            stateful_step_count=50 if full else 25,
            phases=[Phase.generate, Phase.shrink] if full else [Phase.generate],
            deadline=None,
            derandomize=not full,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- the code names who did it


def _calls_without_an_actor() -> Iterator[str]:
    """Calls that say `by=None` and not which machine it was (`via`)."""
    root = Path(__file__).resolve().parents[2]
    for path in sorted(p for app in ("crm", "customers", "cases", "outreach") for p in (root / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _says_nobody(node):
                yield f"{path.relative_to(root)}:{node.lineno}"


def _says_nobody(call: ast.Call) -> bool:
    said: dict[str | None, Any] = {keyword.arg: keyword.value for keyword in call.keywords}
    by = said.get("by")
    return isinstance(by, ast.Constant) and by.value is None and "via" not in said


def test_whoever_is_nobody_says_which_machine_it_was() -> None:
    # What is published when a company is set up or imported has no event: a version of settings has no actor then.
    # The same when a calendar gets the years to come by itself.
    settled = {"cases/imports.py", "cases/years.py", "crm/management/demo/company.py"}
    assert [call for call in _calls_without_an_actor() if call.partition(":")[0] not in settled] == []
