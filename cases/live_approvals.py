"""Whose page of what waits for approval (docs/policies.md) may read otherwise: a poke in a topic of their own, and the page asks
again. It goes to all who may decide in the queue, whoever was named: what is raised to one is still everybody's to see."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from cases.models import Case, QueueMembership, Remedy
from cases.remedies.deciders import DECIDING
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening
from crm.models import User

_SHOWN = [Remedy.State.WAITING, Remedy.State.BY_HAND, Remedy.State.FAILED]  # on the page
# Something comes onto the page, goes from it, or reads otherwise there.
_MOVES = frozenset(
    {"remedy_asked", "remedy_raised", "remedy_approved", "remedy_refused", "remedy_called_off", "remedy_paid",
     "remedy_left_to_hand"}
)  # fmt: skip


def approval_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    """One a person and case, at the latest version that concerns them; three queries, however many there are."""
    wanted = None if only is None else {topic for topic in only if topic.startswith("user.")}
    asked = [event for event in events if _concerns(event)] if wanted is None or wanted else []
    cases = _cases(asked) if asked else {}
    asked = [event for event in asked if event.stream_id in cases]
    deciders = _deciders({queue for event in asked for queue in _queues(event, cases)}) if asked else {}
    newest: dict[tuple[str, int], Happening] = {}
    for event in asked:
        for queue in _queues(event, cases):
            newest |= {(topics.own(user), cases[event.stream_id][0]): event for user in deciders[queue]}
    for (topic, number), event in newest.items():
        if wanted is None or topic in wanted:
            yield Fragment(topic, "case", number, "approvals", event.version, event.kind)


def _concerns(event: Happening) -> bool:
    return event.kind in _MOVES or event.kind == "transferred"


def _cases(events: Sequence[Happening]) -> Mapping[int, tuple[int, int]]:
    """Key → number and queue; of those that only moved to another queue, the ones with something on the page."""
    said = {event.stream_id for event in events if event.kind in _MOVES}
    moved = {event.stream_id for event in events} - said
    if moved:
        said |= set(Remedy.objects.filter(case__in=moved, state__in=_SHOWN).values_list("case", flat=True))
    rows = Case.objects.filter(pk__in=said).values_list("pk", "number", "queue") if said else []
    return {pk: (number, queue) for pk, number, queue in rows}


def _queues(event: Happening, cases: Mapping[int, tuple[int, int]]) -> set[int]:
    """Where it is, and where it was."""
    left = {event.data["was"]} if event.kind == "transferred" and event.data.get("was") else set()
    return {cases[event.stream_id][1]} | left


def _deciders(queues: Collection[int]) -> Mapping[int, set[int]]:
    """Who may decide in each queue; administrators in every one."""
    every = set(User.objects.filter(is_active=True, role=User.Role.ADMINISTRATOR).values_list("pk", flat=True))
    found: dict[int, set[int]] = defaultdict(lambda: set(every))
    rows = QueueMembership.objects.filter(queue__in=queues, role__in=DECIDING, user__is_active=True)
    for queue, user in rows.values_list("queue", "user"):
        found[queue].add(user)
    return found


streams.register("case", fragments=approval_fragments)
