"""The tags the house knows: every one that was ever put on a case, what it goes by now, and its way to another name."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.history import tracked

LONGEST = 60


def spelt(names: Iterable[str]) -> list[str]:
    """As cases carry them: small letters, no blanks around, each once, in order."""
    return sorted({" ".join(name.lower().split())[:LONGEST] for name in names} - {""})


class TagManager(models.Manager["Tag"]):
    def known(self, names: Iterable[str]) -> list[str]:
        """The names these tags go by now, as a case carries them; what was never used before is known from here on."""
        wanted = spelt(names)
        return sorted(set(self.names(wanted).values())) if wanted else []

    def former(self) -> dict[str, str]:
        """Every name that a tag gave up → the name it goes by now."""
        rows = self.filter(becomes__isnull=False)
        return {name: now for name, now in rows.values_list("name", "becomes__name") if now}

    def names(self, wanted: Iterable[str]) -> dict[str, str]:
        """Spelt name → the name it goes by now."""
        asked = sorted(set(wanted))
        if not asked:
            return {}
        held = dict(self.filter(name__in=asked).values_list("name", "becomes__name"))
        fresh = [Tag(name=name) for name in asked if name not in held]
        if fresh:
            self.bulk_create(fresh, ignore_conflicts=True)
        return {name: held.get(name) or name for name in asked}


@tracked(before=True)
class Tag(models.Model):
    """A word cases are marked with. One that was renamed or merged stays known, and leads to what it became."""

    name = models.CharField(_("name"), max_length=LONGEST, unique=True)
    hint = models.CharField(_("what it is for"), max_length=200, blank=True, help_text=_("Shown where it is chosen."))
    is_active = models.BooleanField(_("offered"), default=True, help_text=_("Where it is not, it can still be typed."))
    becomes = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="was")

    objects = TagManager()

    class Meta:
        ordering = ["name"]
        verbose_name, verbose_name_plural = _("tag"), _("tags")

    def __str__(self) -> str:
        return self.name


class TagRenaming(models.Model):
    """Cases get another tag for one they have, because a supervisor asked for it: case by case, in the order of their
    keys, with where it stands. It goes on where it was, and harms nothing twice."""

    tag = models.ForeignKey(Tag, models.PROTECT, related_name="renamings")
    into = models.ForeignKey(Tag, models.PROTECT, related_name="+", verbose_name=_("becomes"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    total = models.PositiveIntegerField(_("cases"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    after = models.BigIntegerField(default=0)  # the last case looked at
    left = ArrayField(models.BigIntegerField(), default=list)  # somebody worked on them; their turn comes at the end
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="tag_renaming_going", condition=models.Q(finished_at=None))]

    def __str__(self) -> str:
        return f"{self.tag} → {self.into}"
