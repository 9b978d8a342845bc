"""What people can do and cases need, how much one has in hand at once, and which cases came back to somebody."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.queue import Queue
from crm.history import tracked
from crm.models import Event, User

if TYPE_CHECKING:
    from cases.models.case import Case

MOST_AT_ONCE = 1000


@tracked(before=True)
class Skill(models.Model):
    """Something not everybody can do. Cases need it by their language, a tag, their queue, or because somebody says so."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    languages = ArrayField(
        models.CharField(max_length=12),
        verbose_name=_("languages"),
        default=list,
        blank=True,
        help_text=_("Cases in these languages need it: “es, pt”, with or without a country."),
    )
    tags = ArrayField(
        models.CharField(max_length=60),
        verbose_name=_("tags"),
        default=list,
        blank=True,
        help_text=_("Cases with any of these tags need it. Separated by commas."),
    )
    queues = models.ManyToManyField(
        Queue,
        verbose_name=_("queues"),
        blank=True,
        related_name="skills",
        help_text=_("Every case of these queues needs it."),
    )
    is_active = models.BooleanField(_("asked for"), default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PersonSkill(models.Model):
    """Somebody has it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="skills")
    skill = models.ForeignKey(Skill, models.CASCADE, related_name="people", verbose_name=_("skill"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "skill"], name="person_skill_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.skill}"


class CaseSkill(models.Model):
    """Somebody said that this case needs it."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="asked_skills")
    skill = models.ForeignKey(Skill, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "skill"], name="case_skill_once")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.skill}"


class CapacityManager(models.Manager["Capacity"]):
    def say(self, user: User, most: int | None) -> None:
        """So many cases at once for this person, in all channels together; None: as many as everybody else."""
        if most is None:
            self.filter(user=user, channel="").delete()
        else:
            self.update_or_create(user=user, channel="", defaults={"most": most})


@tracked(before=True)
class Capacity(models.Model):
    """How many cases one person has in hand at once, in one channel or (channel empty) in all; without a person: everybody
    for whom nothing else is said."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="capacities",
        verbose_name=_("person"),
    )  # fmt: skip
    channel = models.CharField(
        _("channel"), max_length=40, blank=True, default="", help_text=_("Empty: all channels together.")
    )
    most = models.PositiveSmallIntegerField(
        _("cases at once"),
        validators=[MaxValueValidator(MOST_AT_ONCE)],
        help_text=_("0: nothing is given to them; what they take themselves is theirs all the same."),
    )

    objects = CapacityManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "channel"], nulls_distinct=False, name="capacity_once")]

    def __str__(self) -> str:
        return f"{self.user or _('everybody')} · {self.channel or _('all channels')}: {self.most}"


BACK = {"reopened", "woken"}  # and, when its customer wrote, a change of status


class ReturnManager(models.Manager["Return"]):
    def follow(self, case: "Case", event: Event) -> None:
        """Remember, in the transaction of `event`, that the case is before its owner again. History returns to nobody."""
        is_back = event.kind in BACK or (event.kind == "status_changed" and event.reason == "customer_replied")
        if is_back and case.assignee_id is not None and event.via != "import":
            self.update_or_create(case=case, defaults={"since": event.at})


class Return(models.Model):
    """A case that is before its owner again, woken or reopened, and has not been seen to reach them. The sweep ends it:
    the owner is there, or after a while the queue has it."""

    case = models.OneToOneField("cases.Case", models.CASCADE, primary_key=True, related_name="+")
    since = models.DateTimeField()

    objects = ReturnManager()

    def __str__(self) -> str:
        return f"{self.case_id} since {self.since}"
