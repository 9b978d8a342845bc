"""Why a verb did not happen, in words a person should read."""

from django.utils.translation import gettext

from crm.models import User


class Refusal(Exception):
    """A verb that may not happen, with the sentence a person should read."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AlreadyClaimed(Refusal):
    """Somebody else was quicker."""

    def __init__(self, holder: User) -> None:
        super().__init__(gettext("%(name)s already has this case.") % {"name": holder.name})
        self.holder = holder
