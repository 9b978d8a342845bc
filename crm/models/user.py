import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """Anyone who signs in. Rep and lead are roles in a queue (QueueMembership); the wider roles are here."""

    class Role(models.TextChoices):
        STAFF = "staff", _("Staff")
        SUPERVISOR = "supervisor", _("Supervisor")
        EXECUTIVE = "executive", _("Executive")
        ADMINISTRATOR = "administrator", _("Administrator")

    role = models.CharField(max_length=20, choices=Role.choices, default=Role.STAFF)
    tz = models.CharField(_("time zone"), max_length=64, default="UTC")
    language = models.CharField(max_length=12, default="en")
    # Raised by triggers whenever what this person may see could have changed; sockets compare it (docs/live.md).
    rights_version = models.BigIntegerField(default=1, editable=False)

    class Meta(AbstractUser.Meta):
        triggers = [
            pgtrigger.Trigger(
                name="rights",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("role", "is_active", "is_superuser", "password"),  # type: ignore[no-untyped-call]
                func="NEW.rights_version = OLD.rights_version + 1; RETURN NEW;",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        words = self.name.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else words[0][1:2])).upper()

    @property
    def is_supervisor(self) -> bool:
        return self.role == self.Role.SUPERVISOR

    @property
    def is_executive(self) -> bool:
        return self.role == self.Role.EXECUTIVE

    @property
    def is_member(self) -> bool:
        """Sees what the queues hold in which they have a place: no executive, no administrator, not locked out."""
        return self.is_active and not self.is_executive and not self.is_administrator

    @property
    def is_administrator(self) -> bool:
        return self.role == self.Role.ADMINISTRATOR or self.is_superuser
