from django.utils.translation import gettext_lazy as _

from crm.models import User


class Colleague(User):
    """A person as supervisors see them at work: what they can do and have in hand, nothing of their rights."""

    class Meta:
        proxy = True
        verbose_name = _("person")
        verbose_name_plural = _("people")
