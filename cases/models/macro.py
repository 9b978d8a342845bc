from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import macro_steps
from cases.models.queue import Queue
from crm.history import tracked
from crm.models import User
from customers.folding import clean


class MacroQuerySet(models.QuerySet["Macro"]):
    def offered(self, queue: int | None) -> "MacroQuerySet":
        """Active ones for cases of this queue: those marked with it, and those of no queue."""
        here = Macro.objects.filter(models.Q(queues=None) | models.Q(queues=queue)).values("pk")
        return self.filter(pk__in=here, is_active=True, current__isnull=False)

    def readable_by(self, user: User | AnonymousUser) -> "MacroQuerySet":
        """Those of queues one sees, and those of every queue."""
        if isinstance(user, User) and user.is_administrator:
            return self
        mine = models.Q(queues=None) | models.Q(queues__in=Queue.objects.visible_to(user))
        return self.filter(pk__in=Macro.objects.filter(mine).values("pk"))


@tracked(exclude=["used_count", "used_at"])
class Macro(models.Model):
    """Several actions in one, for cases of its queues. What it does lives in immutable versions."""

    queues = models.ManyToManyField(Queue, blank=True, related_name="macros", verbose_name=_("queues"))
    is_active = models.BooleanField(_("active"), default=True)
    current = models.ForeignKey("MacroVersion", models.PROTECT, null=True, related_name="+", editable=False)
    used_count = models.PositiveIntegerField(_("used"), default=0, editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = MacroQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("macro"), _("macros")

    def __str__(self) -> str:
        return self.current.title if self.current else f"#{self.pk}"

    @property
    def steps(self) -> list[macro_steps.Step]:
        return self.current.steps if self.current else []

    @transaction.atomic
    def publish(
        self, *, title: str, steps: list[macro_steps.Step], opens_next: str = "stay", by: User | None = None
    ) -> "MacroVersion":
        """Do this from now on: a new version; the current one if nothing changed. Raises ValidationError in sentences."""
        content: dict[str, Any] = {
            "title": clean(title).strip(),
            "steps": macro_steps.cleaned(steps),
            "opens_next": opens_next,
        }
        if faults := _faults(**content):
            raise ValidationError(faults)
        Macro.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        if self.current and all(getattr(self.current, name) == value for name, value in content.items()):
            return self.current
        return self._put(content, by)

    @transaction.atomic
    def rewrite(self, changed: Callable[[list[Any]], list[Any]], *, why: str, by: User | None) -> None:
        """What it names goes by another name: a new version that says why, unless nothing differs. Not looked over again:
        it is as right as it was."""
        Macro.objects.select_for_update(of=("self",)).get(pk=self.pk)
        self.refresh_from_db(fields=["current"])
        if self.current is None or (steps := changed(self.current.steps)) == self.current.steps:
            return
        stands = {"title": self.current.title, "opens_next": self.current.opens_next}
        self._put({**stands, "steps": steps, "why": why[:200]}, by)

    def _put(self, content: dict[str, Any], by: User | None) -> "MacroVersion":
        number = (self.current.number if self.current else 0) + 1
        self.current = self.versions.create(number=number, created_by=by, **content)
        self.save(update_fields=["current"])
        return self.current


class MacroVersion(models.Model):
    """A macro's actions, in their order, as they stood from one save to the next, and what opens after them."""

    class OpensNext(models.TextChoices):
        STAY = "stay", _("the case stays open")
        NEXT = "next", _("the next in the list")
        LIST = "list", _("back to the list")

    macro = models.ForeignKey(Macro, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(_("title"), max_length=120)
    steps = models.JSONField(default=list)
    opens_next = models.CharField(_("then"), max_length=10, choices=OpensNext.choices, default=OpensNext.STAY)
    why = models.CharField(_("because"), max_length=200, blank=True)  # where no person changed it for its own sake
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["macro", "number"], name="macro_version_once")]

    def __str__(self) -> str:
        return self.title


def _faults(title: str, steps: list[macro_steps.Step], opens_next: str) -> list[str]:
    faults = macro_steps.faults(steps, now=timezone.now())
    if not title or len(title) > 120:
        faults.insert(0, str(_("Give it a title of at most 120 characters.")))
    if opens_next not in MacroVersion.OpensNext.values:
        faults.append(str(_("Choose what opens next.")))
    return faults
