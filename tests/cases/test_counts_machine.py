"""A2: the count beside a view is the length of its list, whatever happens in whatever order, on the server and on a screen
that only heard of it.

A desk with every built-in view and several filters open. After each random step the fragments of its events are applied as
static/js/console/list.js does; what only the server can tell is asked of the `counts` address, as the script asks. Then
rows, counts and a list asked for afresh must be the same. What comes and goes by the clock alone is asked about again.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from cases import conversation, filtered, lists
from cases.filter_parts import Asker
from cases.intake import open_case
from cases.models import Case, SavedFilter
from cases.models.case import Refusal
from cases.routing import wake_due
from crm.live import log
from crm.live.recent import Tick
from crm.models import Event
from tests.builders import make_customer, make_promise, make_queue, make_user
from tests.cases.machines import Timed
from tests.screen import Listed, Room, Screen, parse

pytestmark = pytest.mark.django_db
FILTERS = [
    "priority:high|urgent",
    "is:snoozed",
    "assignee:me -tag:x",
    "waiting:>1h is:unassigned",
    "status:resolved|spam",
    "gadget customer:torres",
    "promise:<3h",
]
STATUSES = ["open", "waiting_customer", "waiting_internal", "resolved", "spam"]


class Desk(Timed):
    """Ana's screen: a list in each view."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0

    @initialize()
    def furnish(self) -> None:
        self.ana, self.lee = make_user("Ana"), make_user("Lee")
        self.billing = make_queue("Billing", reps=[self.ana, self.lee], acknowledges=False)
        self.technical = make_queue("Technical", reps=[self.lee], acknowledges=False)
        for n, text in enumerate(FILTERS):
            SavedFilter.objects.create(owner=self.ana, name=text[:40], text=text, position=n)
        self.torres = make_customer("Ana Torres")
        self.client = Client()
        self.client.force_login(self.ana)
        self.cases = [self._open(customer=self.torres), self._open()]
        self._number()
        self.views = {each.view: each for each in SavedFilter.objects.all()}
        self.screen = Screen(Room(None, 0), [self._list(name) for name in self._names()], {f"queue.{self.billing.pk}"})
        self.pos = self._last()

    def _names(self) -> list[str]:
        return [*lists.NAMES, *self.views]

    def _open(self, **fields: Any) -> Case:
        opened = {"queue": self.billing, "customer": None, "subject": "gadget", "channel": "mail", "at": self.now}
        return open_case(**(opened | {"via": "channel"} | fields))  # type: ignore[arg-type]

    def _list(self, view: str) -> Listed:
        page = self.client.get(f"/queues/{self.billing.pk}/?view={view}", headers={"HX-Request": "true"})
        return Listed(parse(page.content.decode()), me=self.ana.pk, now=self.now.timestamp() * 1000)

    # --- what happens

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(self.cases))
        case.refresh_from_db()
        step = data.draw(st.sampled_from(sorted(STEPS)))
        try:
            with transaction.atomic():
                STEPS[step](self, case, data)
        except Refusal:
            return
        self._heard()
        self._is_right(step)

    @rule(hours=st.sampled_from([1, 2, 30]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        for each in self.screen.lists:
            each.now = self.now.timestamp() * 1000
        self.client.force_login(self.ana)  # the night ended her session
        wake_due(self.now)
        self._heard()
        self._is_right("time", by_clock=True)

    # --- what the screen hears

    def _number(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE crm_event e SET pos = n.pos FROM (SELECT id, row_number() OVER (ORDER BY id)"
                " + (SELECT COALESCE(max(pos), 0) FROM crm_event) AS pos FROM crm_event WHERE pos IS NULL) n"
                " WHERE e.id = n.id"
            )

    def _last(self) -> int:
        return Event.objects.filter(pos__isnull=False).order_by("-pos").values_list("pos", flat=True).first() or 0

    def _heard(self) -> None:
        self._number()
        events = log.between(self.pos, self.pos + 1000, 1000)
        self.pos = self._last()
        if not events:
            return
        tick = Tick(events[0].pos - 1, events)
        tick.plan()
        feeds = [(topic, "en") for topic in sorted(self.screen.topics)]
        tick.render(feeds)
        assert not tick.failed
        for frames in tick.said(feeds).values():
            for frame in frames:
                self.screen.hear(json.loads(frame))

    def _asked(self) -> dict[str, int]:
        """What the script of one list asks a second later, and does with the answer; each list in its turn over HTTP, the
        others by what that address asks."""
        self.turn += 1
        server = [each for each in self.screen.lists if each.by_server]
        for each in server:
            if each is server[self.turn % len(server)]:
                path = f"/queues/{self.billing.pk}/counts/?view={each.view}&numbers={','.join(each.asked)}"
                told = self.client.get(path).json()
                counts: dict[str, int] = told["counts"]
                each.decide(each.asked, {str(number) for number in told["inside"]})
            else:
                inside = self._listed(each.view).cases.filter(number__in=each.asked).values_list("number", flat=True)
                each.decide(each.asked, {str(number) for number in inside})
        return counts

    # --- what must hold

    def _is_right(self, step: str, *, by_clock: bool = False) -> None:
        counts = self._asked()
        for each in self.screen.lists:
            fresh = [str(number) for number in self._listed(each.view).in_order.values_list("number", flat=True)]
            assert counts[each.view] == len(fresh), (step, each.view)
            here = [row.data("case") for row in each.rows]
            if by_clock and each.by_server and len(here) < len(fresh):
                # Nothing told the screen of it: the script asks for the list anew when it has fewer rows than there are.
                each.rows = self._list(each.view).rows
            else:
                assert here == fresh, (step, each.view)

    def _listed(self, view: str) -> filtered.Listed:
        asker = Asker(self.ana, self.now)
        row = self.views.get(view)
        if row is None:
            return filtered.built_in(view, self.billing, asker)
        return filtered.Listed(view, row.name, self.billing, asker, row.text, row)


Step = Callable[[Desk, Case, st.DataObject], object]
STEPS: dict[str, Step] = {
    "claim": lambda d, c, data: c.claim(by=d.ana) if c.assignee_id is None else None,
    "assign": lambda d, c, data: c.assign(data.draw(st.sampled_from([d.ana, d.lee])), by=d.lee),
    "release": lambda d, c, data: c.release(by=d.lee),
    "transfer": lambda d, c, data: c.transfer(data.draw(st.sampled_from([d.billing, d.technical])), by=d.lee),
    "status": lambda d, c, data: c.change_status(data.draw(st.sampled_from(STATUSES)), by=d.lee),
    "snooze": lambda d, c, data: c.snooze(d.now + timedelta(hours=data.draw(st.sampled_from([1, 20]))), by=d.lee),
    "wake": lambda d, c, data: c.wake(by=d.lee),
    "priority": lambda d, c, data: c.set_priority(data.draw(st.sampled_from(Case.Priority.values)), by=d.lee),
    "tags": lambda d, c, data: c.set_tags(data.draw(st.sampled_from([[], ["x"], ["x", "y"]])), by=d.lee),
    "write": lambda d, c, data: conversation.add_inbound(c, text="gadget", sender=None, channel="mail", at=d.now),
    "name": lambda d, c, data: conversation.add_note(c, by=d.lee, text="@ana look"),
    "promise": lambda d, c, data: make_promise(c, d.lee),
    "open": lambda d, c, data: d.cases.append(d._open(customer=data.draw(st.sampled_from([None, d.torres])))),
}


@pytest.mark.slow
def test_counts_are_their_lists_whatever_happens_and_screens_follow() -> None:
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=4,
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
