"""The tags of the house: which are offered where one types, and how one becomes another on every case (docs/fields.md)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from cases import tag_users, transitions
from cases.models import Case, Queue, Tag, TagRenaming
from cases.models.case import Refusal
from cases.models.tag import spelt
from crm import jobs
from crm.models import User

BATCH = 25  # cases locked at once: who works on one of them waits no longer than a page takes
SHOWN = 8


@dataclass(frozen=True)
class Offered:
    """A tag one may choose, and on how many open cases of the queue it is."""

    name: str
    hint: str
    count: int


_OFFERED = f"""
WITH used AS (
    SELECT tag, count(*) AS many FROM cases_case c, unnest(c.tags) AS tag
     WHERE c.queue_id = %(queue)s AND c.status IN ({", ".join(repr(status) for status in transitions.ACTIVE)})
     GROUP BY tag
)
SELECT t.name, t.hint, coalesce(used.many, 0) FROM cases_tag t LEFT JOIN used ON used.tag = t.name
 WHERE t.is_active AND t.becomes_id IS NULL AND t.name LIKE %(like)s AND NOT t.name = ANY(%(but)s)
 ORDER BY t.name LIKE %(begins)s DESC, coalesce(used.many, 0) DESC, t.name LIMIT %(most)s
"""  # noqa: S608 - our own words


def offered(queue: Queue, typed: str, *, but: list[str]) -> list[Offered]:
    """Those that hold what is typed, the ones that begin so and the most used first; none that is on the case already."""
    begun = " ".join(typed.lower().split())[:60]
    escaped = begun.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    asked: dict[str, Any] = {
        "queue": queue.pk,
        "like": f"%{escaped}%",
        "begins": f"{escaped}%",
        "but": but,
        "most": SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OFFERED, asked)
        return [Offered(*row) for row in cursor.fetchall()]


# --- one becomes another


@dataclass(frozen=True)
class Effect:
    """What a renaming would do: on how many cases, how many of them open, how many that have both; and what else names it
    and follows."""

    tag: Tag
    into: str
    is_merge: bool
    cases: int
    open: int
    both: int
    filters: int
    macros: int
    rules: int
    skills: int


def effect(tag: Tag, into: str) -> Effect:
    """What giving `tag` the name `into` would do. Raises Refusal where it cannot be."""
    name = _checked(tag, into)
    held = Case.objects.filter(tags__contains=[tag.name])
    users = tag_users.users_of(tag.name)
    return Effect(
        tag,
        name,
        Tag.objects.filter(name=name, becomes=None).exists(),
        held.count(),
        held.active().count(),
        held.filter(tags__contains=[name]).count(),
        len(users.filters),
        len(users.macros),
        len(users.rules),
        len(users.skills),
    )


@transaction.atomic
def rename(tag: Tag, into: str, *, by: User | None, at: datetime) -> TagRenaming:
    """From here on `tag` is known as `into`, whoever types it; the cases that have it follow in pieces. Where there is a tag
    of that name, both are one."""
    name = _checked(tag, into)
    target, _fresh = Tag.objects.get_or_create(name=name)
    for row in Tag.objects.select_for_update().filter(pk__in=[tag.pk, target.pk]).order_by("pk"):
        if row.pk == target.pk and row.becomes_id is not None:
            Tag.objects.filter(pk=target.pk).update(becomes=None)  # it had given up the name it takes again
    if tag.hint and not target.hint:
        Tag.objects.filter(pk=target.pk).update(hint=tag.hint)
    Tag.objects.filter(pk=tag.pk).update(becomes=target)
    Tag.objects.filter(becomes=tag).exclude(pk=target.pk).update(becomes=target)
    tag_users.follow(tag.name, target.name, by=by, at=at)
    many = Case.objects.filter(tags__contains=[tag.name]).count()
    asked = TagRenaming.objects.create(tag=tag, into=target, asked_by=by, asked_at=at, total=many)
    jobs.nudge("cases.tags")
    return asked


def _checked(tag: Tag, into: str) -> str:
    names = spelt([into])
    if not names or "," in into:
        raise Refusal(_("Give the new name: one tag, without a comma."))
    if names[0] == tag.name:
        raise Refusal(_("It has this name already."))
    if tag.becomes_id is not None:
        raise Refusal(_("It has gone into another tag."))
    return names[0]


def rename_due(now: datetime) -> int:
    """One batch of the oldest renaming under way; returns how many cases were looked at. A batch is one transaction: who
    dies in it has done nothing, and another takes it up from there."""
    with transaction.atomic():
        going = TagRenaming.objects.filter(finished_at=None).order_by("pk")
        task = going.select_for_update(skip_locked=True, of=("self",)).select_related("tag", "into", "asked_by").first()
        return _step(task, now) if task else 0


def _step(task: TagRenaming, now: datetime) -> int:
    held = Case.objects.filter(tags__contains=[task.tag.name])
    fresh = list(held.filter(pk__gt=task.after).order_by("pk").values_list("pk", flat=True)[:BATCH])
    wanted = fresh or task.left[:BATCH]
    rows = Case.objects.filter(pk__in=wanted).order_by("pk")
    cases = list(rows.select_for_update(skip_locked=True, no_key=True, of=("self",)))
    for case in cases:
        case.set_tags(case.tags, by=task.asked_by, at=now, via="system")  # what they go by now
    busy = sorted(set(wanted) - {case.pk for case in cases})
    task.left = [pk for pk in task.left if pk not in wanted] + busy
    task.after, task.changed = max([task.after, *fresh]), task.changed + len(cases)
    if not fresh and not task.left:
        task.finished_at = now
    task.save(update_fields=["left", "after", "changed", "finished_at"])
    return len(cases)
