"""How a case ended: what it was about, and what would have prevented it (product D10)."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import transitions
from cases.models.field import CaseField
from cases.models.queue import Queue
from cases.models.refusals import OutcomeWanted, Refusal
from crm.history import tracked

if TYPE_CHECKING:
    from cases.models.case import Case

# What of it a queue may ask for, by the column of a case.
PARTS: dict[str, Any] = {"disposition": _("what it was about"), "cause": _("what would have prevented it")}


class DispositionQuerySet(models.QuerySet["Disposition"]):
    def offered(self, queue: Queue | int) -> "DispositionQuerySet":
        """Those to choose from in a queue: its own, and those of every queue."""
        own = self.filter(is_active=True)
        return own.filter(queues=None) | own.filter(pk__in=Disposition.objects.filter(queues=queue).values("pk"))


@tracked(before=True)
class Disposition(models.Model):
    """What cases are about, in the house's words. None is deleted: cases point at it."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    queues = models.ManyToManyField(
        Queue, verbose_name=_("queues"), blank=True, related_name="dispositions", help_text=_("None: in every queue.")
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("is the same as")
    )

    objects = DispositionQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        verbose_name, verbose_name_plural = _("disposition"), _("dispositions")

    def __str__(self) -> str:
        return self.name

    def merge(self, into: "Disposition") -> None:
        """Every case with this one has that one; this one is offered no more. Quiet if it is so already."""
        merge(self, into)


class CauseQuerySet(models.QuerySet["Cause"]):
    def offered(self, queue: Queue | int) -> "CauseQuerySet":
        """What would have prevented a case is asked alike everywhere."""
        return self.filter(is_active=True)


@tracked(before=True)
class Cause(models.Model):
    """What would have prevented cases, and who looks after it. None is deleted: cases point at it."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Who sees to it that it is put right."),
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("is the same as")
    )

    objects = CauseQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        verbose_name, verbose_name_plural = _("cause"), _("causes")

    def __str__(self) -> str:
        return self.name

    def merge(self, into: "Cause") -> None:
        """As with Disposition."""
        merge(self, into)


@transaction.atomic
def merge(gone: Any, into: Any) -> None:
    """Marks it; the cases follow a few at a time (cases.outcomes.follow), so that nobody who has one of them in hand waits."""
    model = type(gone)
    locked = model.objects.select_for_update(of=("self",)).order_by("pk").in_bulk([gone.pk, into.pk])
    held, kept = locked[gone.pk], locked[into.pk]
    if held.merged_into_id == kept.pk:
        return
    if held.pk == kept.pk or not kept.is_active or kept.merged_into_id:
        raise Refusal(gettext("Choose another one that is offered."))
    held.merged_into, held.is_active = kept, False
    held.save(update_fields=["merged_into", "is_active"])
    model.objects.filter(merged_into=held).update(merged_into=kept)
    gone.merged_into, gone.is_active = kept, False


def asked(case: "Case") -> dict[str, bool]:
    """The parts the case's queue asks for that somebody could choose, and whether one must."""
    wants = {part: getattr(case.queue, f"asks_{part}") for part in PARTS}
    return {part: want == Queue.Asks.REQUIRED for part, want in wants.items() if want != Queue.Asks.NO}


def wanting(case: "Case", *, also_optional: bool = False) -> list[str]:
    """What must be said before it is resolved: what is required, offered, and not said yet. `also_optional`: and what may be,
    where nothing was said at all."""
    parts = asked(case)
    if not parts:
        return []
    is_silent = not any(getattr(case, f"{part}_id") for part in parts)
    open_ones = [part for part, must in parts.items() if must or (also_optional and is_silent)]
    models_of = {"disposition": Disposition, "cause": Cause}
    return [
        part
        for part in open_ones
        if getattr(case, f"{part}_id") is None and models_of[part].objects.offered(case.queue_id).exists()  # type: ignore[attr-defined]
    ]


def must_be_ready(case: "Case", status: str) -> None:
    """Raises FieldsMissing or OutcomeWanted where something must be filled in or said before the case becomes that."""
    if status == transitions.RESOLVED and (parts := wanting(case)):
        raise OutcomeWanted(case, [str(PARTS[part]) for part in parts])
    CaseField.objects.must_be_filled(case, status)


def ended(case: "Case") -> dict[str, int]:
    """What the event of a resolved case says of how it ended: ids."""
    if case.status != transitions.RESOLVED:
        return {}
    said = {part: getattr(case, f"{part}_id") for part in PARTS}
    return {part: pk for part, pk in said.items() if pk is not None}
