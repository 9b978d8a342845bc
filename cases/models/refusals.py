"""Why a verb did not happen, in words a person should read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from crm.models import User
from customers.models import Customer

if TYPE_CHECKING:
    from cases.models.case import Case
    from cases.models.field import CaseField


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


class FieldsMissing(Refusal):
    """A case may not become `status` before these of its fields are filled in."""

    def __init__(self, case: "Case", status: str, fields: Sequence["CaseField"]) -> None:
        names = ", ".join(field.name for field in fields)
        super().__init__(gettext("Fill in first: %(fields)s.") % {"fields": names})
        self.case, self.status, self.fields = case, status, fields


class OutcomeWanted(Refusal):
    """Before a case is resolved somebody is asked how it ended: these parts of it, in words."""

    def __init__(self, case: "Case", parts: Sequence[str]) -> None:
        super().__init__(gettext("Before it is resolved, say %(parts)s.") % {"parts": ", ".join(parts)})
        self.case = case
