"""Who asks, read together with their places in queues and how they are there: every page shows it, and what they may do is
asked of most."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone

from cases import news
from cases.desks import HANDS
from cases.matching import BY_HAND
from cases.models import Presence, PresenceReason, QueueMembership, Rule, Skill
from crm.models import User


class Staff(ModelBackend):
    """Django's own sign-in. What it gives lives as long as one request; whoever is there for longer (a socket) asks anew."""

    def get_user(self, user_id: Any) -> User | None:
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
            "places": places,
            "there": Subquery(there),
            "reasons": ArraySubquery(reasons),
            "news": Subquery(news.counted(timezone.now())),
        }
        user = User.objects.annotate(**known).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


_REASON = {"pk": "pk", "name": "name", "state": "state"}
_THERE = {"state": "state", "reason": "reason_id", "word": "reason__name", "lost_at": "lost_at"}
