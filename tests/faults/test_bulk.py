"""Many cases at once under kill -9: the keeper dies in the middle, another goes on; each case exactly once, and all of them
given back."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from cases import bulk
from cases.models import Bulk, Case, Dispatch, Message, Queue
from crm.models import Event, User
from tests import processes
from tests.builders import make_macro
from tests.cases.test_bulk_macros import SEND, TAG, asked
from tests.faults.figures import tell
from tests.processes import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def states(task: Bulk) -> dict[str, int]:
    return bulk.how_far([task])[task.pk]


def test_a_keeper_killed_in_the_middle_leaves_each_case_done_once(billing: Queue, ana: User, full: bool) -> None:
    many = 1000 if full else 120
    cases = asked(billing, " ".join(f"P{n}" for n in range(many)))
    macro = make_macro("Sorry", [SEND, TAG, {"do": "priority", "priority": "high"}])
    task = bulk.begin("macro", {"macro": macro.pk}, Case.objects.filter(queue=billing), by=ana, at=timezone.now())
    env = {"SEND_UNDO_SECONDS": "900", "LOG_LEVEL": "ERROR"}
    with processes.keeper(**env) as keeper:
        wait_until(lambda: states(task)["done"] >= many // 4, 120, "a part of it to be done")
        keeper.kill()
    passed = states(task)
    assert 0 < passed["done"] < many, "it died in the middle"
    assert passed["done"] + passed["waiting"] == many
    written = Counter(Message.objects.filter(direction="outbound").values_list("case", flat=True))
    assert (len(written), set(written.values())) == (passed["done"], {1}), "the rows say just what was done"
    with processes.keeper(**env):
        wait_until(lambda: Bulk.objects.get(pk=task.pk).state == "done", 300, "the next keeper to end it")
        assert states(task)["done"] == many
        for kind in ("reply_written", "tagged", "priority_changed", "macro_used"):
            times = Counter(Event.objects.filter(stream="case", kind=kind).values_list("stream_id", flat=True))
            assert (len(times), set(times.values())) == (many, {1}), kind
        assert Dispatch.objects.count() == many
        Dispatch.objects.update(release_at=timezone.now() + timedelta(hours=1))
        bulk.undo(task, by=ana, at=timezone.now())
        wait_until(lambda: Bulk.objects.get(pk=task.pk).state == "undone", 300, "all of it to be given back")
    assert states(task)["undone"] == many
    assert {(case.priority, tuple(case.tags)) for case in Case.objects.all()} == {("normal", ())}
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"undone"}
    assert len(cases) == many
    tell(f"{many} cases at once, the keeper killed after {passed['done']}: each once, all given back", full=full)
