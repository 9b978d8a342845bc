"""Who asks, read together with their places in queues and how they are there: every page shows it, and what they may do is
asked of most."""

from datetime import datetime
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone

from cases import news
from cases.desks import HANDS
from cases.matching import BY_HAND
from cases.models import Playbook, Presence, PresenceReason, QueueMembership, Rule, ServicePolicy, Skill
from crm.database.prepared import Prepared
from crm.models import User


class Staff(ModelBackend):
    """Django's own sign-in. What it gives lives as long as one request; whoever is there for longer (a socket) asks anew."""

    def get_user(self, user_id: Any) -> User | None:
        user = _ASKED.first(user_id, timezone.now())
        return user if user and self.user_can_authenticate(user) else None


def _asked(user_id: int, at: datetime) -> QuerySet[User, User]:
    held = QueueMembership.objects.filter(user=OuterRef("pk")).order_by()
    places = ArraySubquery(held.values(place=JSONObject(queue="queue_id", role="role")))
    there = Presence.objects.filter(user=OuterRef("pk")).values(row=JSONObject(**_THERE))
    reasons = PresenceReason.objects.filter(is_active=True).values(row=JSONObject(**_REASON))
    given = Exists(held.filter(queue__is_active=True, role__in=HANDS).exclude(queue__assignment=BY_HAND))
    asked = Exists(Skill.objects.filter(is_active=True))
    known = {
        "is_given": given,
        "tells_skills": asked,
        "has_rules": Exists(Rule.objects.filter(current__isnull=False)),
        "has_playbooks": Exists(Playbook.objects.filter(is_active=True, current__isnull=False)),
        "has_policies": Exists(ServicePolicy.objects.filter(is_active=True, current__isnull=False)),
        "places": places,
        "there": Subquery(there),
        "reasons": ArraySubquery(reasons),
        "news": Subquery(news.counted(at)),
    }
    return User.objects.filter(pk=user_id).annotate(**known)


_ASKED = Prepared(_asked, int, datetime)  # by every request: to write it takes ten times as long as to answer it
_REASON = {"pk": "pk", "name": "name", "state": "state"}
_THERE = {"state": "state", "reason": "reason_id", "word": "reason__name", "lost_at": "lost_at"}
