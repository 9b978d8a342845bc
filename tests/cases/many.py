"""Many cases at once, for the tests of bulk: begun as somebody chose them, finished as the keeper does."""

from typing import Any

from django.utils import timezone

from cases import bulk
from cases.models import Bulk, Case, Queue
from crm import jobs
from crm.models import User
from tests.builders import make_case


def some(queue: Queue, n: int = 3, **fields: Any) -> list[Case]:
    return [make_case(queue, **({"customer": None, "status": "open"} | fields)) for _ in range(n)]


def begin(by: User, action: str, cases: list[Case], **given: Any) -> Bulk:
    chosen = Case.objects.visible_to(by).filter(pk__in=[case.pk for case in cases])
    seen = {case.number: case.version for case in cases}
    return bulk.begin(action, given, chosen, by=by, at=timezone.now(), seen=seen)


def finish(task: Bulk) -> Bulk:
    """What the keeper does."""
    jobs.exhaust(bulk.sweep)
    task.refresh_from_db()
    return task


def told(task: Bulk) -> list[tuple[str, str]]:
    return list(task.rows.order_by("case_id").values_list("state", "why"))


def fresh(cases: list[Case]) -> list[Case]:
    return list(Case.objects.filter(pk__in=[case.pk for case in cases]).order_by("pk"))
