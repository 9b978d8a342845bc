"""What stands beside a case: what it is about, the stretches of talk in it, its links, who follows it and who was
named."""

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import JSONObject
from django.utils import timezone

from customers.models import Customer


class Issue(models.Model):
    """Contacts of one customer about one thing, in any channel and any number of cases (product D8)."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="issues")
    opened_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"issue {self.pk}"


class Contact(models.Model):
    """One stretch of talk with a customer on a case in one channel, until 24 h of silence or resolution."""

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="contacts")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="contacts")
    issue = models.ForeignKey("cases.Issue", models.PROTECT, null=True, related_name="contacts")
    channel = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "channel"], condition=models.Q(ended_at=None), name="contact_one_open_a_channel"
            )
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"


class CaseLink(models.Model):
    """Two cases that belong together: duplicate of, caused by, follows."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="links")
    other = models.ForeignKey("cases.Case", models.CASCADE, related_name="linked_from")
    kind = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "other", "kind"], name="case_link_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.other_id}"


class Watch(models.Model):
    """Somebody follows a case: by mention, by hand, by having worked on it."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="watches")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="watches")
    why = models.CharField(max_length=20, default="mention")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="watch_once")]

    def __str__(self) -> str:
        return f"{self.user_id} watches {self.case_id}"


def followers() -> ArraySubquery:
    """Who follows a case, to read with it: who began first stands first."""
    person = JSONObject(id="user_id", first="user__first_name", last="user__last_name", handle="user__username")
    return ArraySubquery(Watch.objects.filter(case=models.OuterRef("pk")).order_by("pk").values(row=person))


class Mention(models.Model):
    """A note that names somebody; unseen until they open the case."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="mentions")
    message = models.ForeignKey("cases.Message", models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="mention_once")]
        indexes = [models.Index(fields=["user"], name="mention_unseen", condition=models.Q(seen_at=None))]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.message_id}"
