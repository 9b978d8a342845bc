"""Who asks, read together with their places in queues: a request that asks what they may do asks one question less."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from cases.models import QueueMembership
from crm.models import User


class Staff(ModelBackend):
    """Django's own sign-in. What it gives lives as long as one request; whoever is there for longer (a socket) asks anew."""

    def get_user(self, user_id: Any) -> User | None:
        held = QueueMembership.objects.filter(user=OuterRef("pk")).order_by()
        places = ArraySubquery(held.values(place=JSONObject(queue="queue_id", role="role")))
        user = User.objects.annotate(places=places).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
