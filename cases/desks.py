"""What routing knows: who may be given cases, what they have in hand and how much that may be, which cases wait."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from cases.matching import BY_HAND, Desk, Need, Waiting, needed
from cases.models import Capacity, Case, CaseSkill, PersonSkill, Queue, QueueMembership, Skill
from cases.models.case import CaseQuerySet
from cases.models.presence import State
from crm.models import User

HOUSE = 5  # cases at once, where nobody has said anything
PAGE = 500
HANDS = (QueueMembership.Role.REP, QueueMembership.Role.LEAD)  # a supervisor steers, and is given nothing


@dataclass(frozen=True)
class Rule:
    """How a queue gives out its cases."""

    method: str
    capacity: int | None
    patience: timedelta  # after which no skill is required any more


def rules(queues: Collection[int] | None = None) -> dict[int, Rule]:
    """The queues that give out their cases by themselves (of these)."""
    found = Queue.objects.filter(is_active=True).exclude(assignment=BY_HAND).order_by("pk")
    found = found if queues is None else found.filter(pk__in=queues)
    rows = found.values_list("pk", "assignment", "capacity", "skill_minutes")
    return {pk: Rule(method, capacity, timedelta(minutes=minutes)) for pk, method, capacity, minutes in rows}


def present(rules: Mapping[int, Rule], now: datetime, *, only: int | None = None) -> list[Desk]:
    """Everybody who may be given a case of these queues now, whether or not they have room. Executives choose their cases
    or are chosen by a person; nothing is given to them here."""
    members = QueueMembership.objects.filter(
        queue__in=rules, role__in=HANDS, user__is_active=True,
        user__presence__state=State.ONLINE, user__presence__lost_at=None,
    ).exclude(user__role=User.Role.EXECUTIVE)  # fmt: skip
    members = members if only is None else members.filter(user=only)
    queues: dict[int, set[int]] = defaultdict(set)
    routed: dict[int, datetime | None] = {}
    for user, queue, routed_at in members.values_list("user_id", "queue_id", "user__presence__routed_at"):
        queues[user].add(queue)
        routed[user] = routed_at
    return _desks(rules, queues, routed, now) if queues else []


def of(user: User, now: datetime) -> Desk | None:
    """This person's own, present or not; None where no queue gives them anything."""
    return of_people([user.pk], now).get(user.pk)


def of_people(users: Collection[int], now: datetime) -> dict[int, Desk]:
    """The same of many, by their ids."""
    places = QueueMembership.objects.filter(user__in=users, role__in=HANDS).values_list("user_id", "queue_id")
    members = list(places)
    known = rules({queue for _user, queue in members})
    queues: dict[int, set[int]] = defaultdict(set)
    for user, queue in members:
        if queue in known:
            queues[user].add(queue)
    return {desk.user: desk for desk in _desks(known, queues, {}, now)} if queues else {}


def of_queue(queue: Queue, users: Collection[int], now: datetime) -> dict[int, Desk]:
    """What these people have in hand and may have at once by what this queue says, by their ids."""
    return of_places([queue], {user: {queue.pk} for user in users}, now)


def of_places(queues: Iterable[Queue], places: Mapping[int, set[int]], now: datetime) -> dict[int, Desk]:
    """The same for the people of several queues, by hand or not: person → those of the queues they work at."""
    known = {queue.pk: _rule(queue) for queue in queues}
    return {desk.user: desk for desk in _desks(known, places, {}, now)} if places else {}


def _rule(queue: Queue) -> Rule:
    return Rule(queue.assignment, queue.capacity, timedelta(minutes=queue.skill_minutes))


def _desks(
    rules: Mapping[int, Rule], queues: Mapping[int, set[int]], routed: Mapping[int, datetime | None], now: datetime
) -> list[Desk]:
    in_hand, skills, limits = _in_hand(queues, now), _skills(queues), _limits(queues)
    return [
        Desk(
            user=user,
            queues=frozenset(places),
            limits={queue: _limit(limits, user, rules[queue].capacity) for queue in places},
            skills=frozenset(skills[user]),
            channel_limits={**limits[None], **limits[user]},
            in_hand=in_hand[user],
            routed_at=routed.get(user),
        )
        for user, places in sorted(queues.items())
    ]


def _in_hand(users: Collection[int], now: datetime) -> defaultdict[int, Counter[str]]:
    rows = Case.objects.pressing(now).filter(assignee__in=users).order_by().values_list("assignee", "channel")
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for user, channel, count in rows.annotate(count=Count("pk")):
        found[user or 0][channel] = count
    return found


def _skills(users: Collection[int]) -> defaultdict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for user, skill in PersonSkill.objects.filter(user__in=users).values_list("user_id", "skill_id"):
        found[user].add(skill)
    return found


def _limits(users: Collection[int]) -> defaultdict[int | None, dict[str, int]]:
    """Person (None: everybody) → channel → so many at once."""
    found: defaultdict[int | None, dict[str, int]] = defaultdict(dict)
    for user, channel, most in Capacity.objects.filter(Q(user=None) | Q(user__in=users)).values_list(
        "user_id", "channel", "most"
    ):
        found[user][channel] = most
    return found


def _limit(limits: Mapping[int | None, Mapping[str, int]], user: int, of_queue: int | None) -> int:
    """In all channels together: what is said of the person, else of the queue, else of everybody."""
    own = limits[user].get("")
    if own is not None:
        return own
    return limits[None].get("", HOUSE) if of_queue is None else of_queue


# --- what waits


def something_waits(rules: Mapping[int, Rule], now: datetime) -> bool:
    return bool(rules) and _unassigned(rules, now).exists()


def waiting(rules: Mapping[int, Rule], now: datetime) -> Iterator[Waiting]:
    """The cases of these queues that wait for somebody, longest first, read by and by."""
    asked = _asked()
    rows = _unassigned(rules, now).annotate(since=Coalesce("waiting_since", "opened_at")).order_by("since", "pk")
    columns = ("pk", "queue_id", "channel", "language", "tags", "since")
    after = Q()
    while page := list(rows.filter(after).values_list(*columns)[:PAGE]):
        by_hand = _asked_by_hand(pk for pk, *_rest in page)
        for pk, queue, channel, language, tags, since in page:
            needs = needed(asked, queue=queue, language=language, tags=tags) | by_hand[pk]
            relaxed = bool(needs) and now - since >= rules[queue].patience
            yield Waiting(pk, queue, channel, since, frozenset() if relaxed else needs, relaxed)
        if len(page) < PAGE:
            return
        last, at = page[-1][0], page[-1][-1]
        after = Q(since__gt=at) | Q(since=at, pk__gt=last)


def as_waiting(cases: Iterable[Case], queue: Queue, now: datetime) -> list[Waiting]:
    """These cases of one queue, whoever has them, as they would wait for somebody else."""
    held = list(cases)
    asked, by_hand = _asked(), _asked_by_hand(case.pk for case in held)
    found = []
    for case in held:
        since = case.waiting_since or case.opened_at
        needs = needed(asked, queue=queue.pk, language=case.language, tags=case.tags) | by_hand[case.pk]
        relaxed = bool(needs) and now - since >= _rule(queue).patience
        found.append(Waiting(case.pk, queue.pk, case.channel, since, frozenset() if relaxed else needs, relaxed))
    return found


def _asked() -> list[Need]:
    return [_need(skill) for skill in Skill.objects.filter(is_active=True).prefetch_related("queues")]


def _unassigned(rules: Mapping[int, Rule], now: datetime) -> CaseQuerySet:
    return Case.objects.unassigned().pressing(now).filter(queue__in=list(rules))


def _need(skill: Skill) -> Need:
    languages = frozenset(language.strip().lower() for language in skill.languages)
    queues = frozenset(queue.pk for queue in skill.queues.all())
    return Need(skill.pk, languages, frozenset(skill.tags), queues)


def _asked_by_hand(cases: Iterable[int]) -> defaultdict[int, frozenset[int]]:
    found: defaultdict[int, frozenset[int]] = defaultdict(frozenset)
    rows = CaseSkill.objects.filter(case__in=list(cases), skill__is_active=True)
    for case, skill in rows.values_list("case_id", "skill_id"):
        found[case] |= {skill}
    return found
