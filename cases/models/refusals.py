"""Why a verb did not happen, in words a person should read."""

from django.utils.translation import gettext

from crm.models import User
from customers.models import Customer


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


class AlreadyTheirs(Refusal):
    """The case has a customer: a slip is mended where the two records are, not by giving the case away."""

    def __init__(self, holder: Customer) -> None:
        super().__init__(
            gettext("This case is %(name)s’s already. If that is the same person, merge the two records.")
            % {"name": holder}
        )
        self.holder = holder
