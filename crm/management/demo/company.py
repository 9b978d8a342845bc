"""The company itself: staff, queues, calendars, service levels, articles."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from cases.models import Article, BusinessCalendar, PresenceReason, Queue, QueueMembership, SLAPolicy
from crm.management.demo.articles import ARTICLES
from crm.management.demo.people import PASSWORD, STAFF
from crm.models import User

WEEK_UK = {d: [["08:00", "20:00"]] for d in ("mon", "tue", "wed", "thu", "fri")} | {"sat": [["09:00", "17:00"]]}
WEEK_DE = {d: [["08:00", "12:30"], ["13:00", "18:00"]] for d in ("mon", "tue", "wed", "thu", "fri")}
QUEUES = {
    "Billing": "Bills, payments, refunds",
    "Technical": "Line, router, engineers",
    "Mobile": "SIM, roaming, numbers",
    "Moving home": "Moves and endings",
    "Kundenservice": "Alles auf Deutsch",
}
REASONS = {"Lunch": "away", "Break": "away", "Training": "busy"}


@dataclass
class Company:
    """What the rest of the demo builds on."""

    users: dict[str, User]
    queues: dict[str, Queue]
    uk: BusinessCalendar
    de: BusinessCalendar
    normal: SLAPolicy
    urgent: SLAPolicy

    def reps(self, queue: str) -> list[User]:
        """Who answers in a queue: reps and leads, not those who steer it."""
        return [self.users[c.username] for c in STAFF if queue in c.queues and c.queue_role != "supervisor"]


def found(rng: Random) -> Company:
    users = _staff()
    uk = BusinessCalendar.objects.create(name="Brightwave UK")
    uk.publish(
        tz="Europe/London", hours=WEEK_UK, holidays=["2026-12-25", "2026-12-28", "2027-01-01"], by=users["admin"]
    )
    de = BusinessCalendar.objects.create(name="Brightwave Deutschland")
    de.publish(
        tz="Europe/Berlin", hours=WEEK_DE, holidays=["2026-12-25", "2026-12-26", "2027-01-01"], by=users["admin"]
    )
    queues = {
        name: Queue.objects.create(
            name=name, description=text, is_public=True, calendar=de if name == "Kundenservice" else uk,
            source="demo", external_id=name,
        )
        for name, text in QUEUES.items()
    }  # fmt: skip
    QueueMembership.objects.bulk_create(
        QueueMembership(queue=queues[q], user=users[c.username], role=c.queue_role) for c in STAFF for q in c.queues
    )
    PresenceReason.objects.bulk_create(PresenceReason(name=name, state=state) for name, state in REASONS.items())
    _articles(users, queues, rng)
    everywhere = list(queues.values())  # whoever steers them all steers what is set for them
    return Company(
        users,
        queues,
        uk,
        de,
        _policy("Standard", 240, 2 * 24 * 60, 2, [], everywhere),
        _policy("Urgent", 30, 480, 1, ["high", "urgent"], everywhere),
    )


def _staff() -> dict[str, User]:
    """The administrator may be there already (serve makes one): it keeps its own password."""
    hashed = make_password(PASSWORD)
    users: dict[str, User] = {}
    for c in STAFF:
        first, _space, last = c.name.partition(" ")
        fields: dict[str, Any] = {
            "first_name": first, "last_name": last, "role": c.role, "language": c.language, "tz": c.tz,
            "password": hashed, "email": f"{c.username}@brightwave.example",
            "is_staff": c.role in {"supervisor", "administrator"}, "is_superuser": c.role == "administrator",
        }  # fmt: skip
        users[c.username], _fresh = User.objects.get_or_create(username=c.username, defaults=fields)
    return users


def _policy(
    name: str, first: int, resolve: int, position: int, priorities: list[str], queues: list[Queue]
) -> SLAPolicy:
    policy = SLAPolicy.objects.create(name=name, position=position)
    policy.queues.set(queues)
    policy.publish(
        targets=[
            {"kind": "first_response", "minutes": first},
            {"kind": "next_response", "minutes": first},
            {"kind": "resolution", "minutes": resolve},
        ],
        calendar=None,
        priorities=priorities,
        channels=[],
        tiers=[],
        pause_statuses=["waiting_customer"],
        by=None,
    )
    return policy


def _articles(users: dict[str, User], queues: dict[str, Queue], rng: Random) -> None:
    owners = [users["dana"], users["tess"], users["jule"]]
    today = timezone.localdate()
    for number, (audience, language, title, body) in enumerate(ARTICLES, start=1):
        article = Article.objects.create(
            audience=audience,
            owner=users["jule"] if language == "de" else rng.choice(owners[:2]),
            review_on=today + timedelta(days=rng.randint(-20, 300)),
            sent_count=(sent := rng.randint(0, 60)),
            answered_count=int(sent * rng.uniform(0.5, 0.95)),
            source="demo",
            external_id=f"article-{number}",
        )
        article.queues.set(queues.values())
        article.publish(title=title, body=body, language=language, by=article.owner)
