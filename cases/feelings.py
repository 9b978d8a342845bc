"""How a customer felt with what they wrote, as a person marked it. Unmarked is unknown; what it sounds like (cases.sentiment)
is kept apart, and told where nobody marked anything and it is said to be a guess."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _

from cases.models import Case, Message
from cases.models.case import Refusal
from crm.models import User

# For scripts: from -1 (upset) to 1 (good).
SCORE = {Message.Feeling.BAD: -1.0, Message.Feeling.NEUTRAL: 0.0, Message.Feeling.GOOD: 1.0}


@dataclass(frozen=True)
class Course:
    """The first feeling marked in a case, and that of the customer's latest message; empty is unknown."""

    first: str
    last: str

    @property
    def is_known(self) -> bool:
        return bool(self.first or self.last)


@dataclass(frozen=True)
class Seeming:
    """The same where what nobody marked is guessed: the first message of which anything is known, and the latest one.
    `guessed`: one of the two is no mark."""

    first: str
    last: str
    guessed: bool


@transaction.atomic
def mark(message: Message, feeling: str, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
    """Say how the customer felt when they wrote this, or (empty) that nobody knows; quiet if it is said already."""
    case = message.case
    case.lock()
    message.refresh_from_db(fields=["feeling", "direction", "is_auto"])
    if not _is_theirs(message):
        raise Refusal(_("Only what a customer wrote has a feeling."))
    if feeling and feeling not in Message.Feeling.values:
        raise Refusal(_("A feeling is one of %(known)s.") % {"known": ", ".join(Message.Feeling.values)})
    if message.feeling == feeling:
        return
    was, message.feeling = message.feeling, feeling
    message.save(update_fields=["feeling"])
    case.record("feeling_marked", by=by, at=at, via=via, message=message.pk, feeling=feeling, was=was)


def _is_theirs(message: Message) -> bool:
    return message.direction == Message.Direction.INBOUND and not message.is_auto


def course(case: Case) -> Course:
    """First and latest, in one query, or in none for a case that was read with `columns()`."""
    if not hasattr(case, "felt_first"):
        row = Case.objects.filter(pk=case.pk).values_list(*columns().values()).first() or ("", "")
        return Course(row[0] or "", row[1] or "")
    return Course(case.felt_first or "", case.felt_last or "")  # type: ignore[attr-defined]


def seeming(case: Case) -> Seeming:
    """What people marked, and what words sound like where nobody did. One query."""
    rows = [
        words_of(OuterRef("pk")).annotate(felt=FELT).exclude(felt="").order_by("at", "id"),
        words_of(OuterRef("pk")).annotate(felt=FELT).order_by("-at", "-id"),
    ]
    asked = [Subquery(each.values(name)[:1]) for each in rows for name in ("felt", "feeling")]
    told = Case.objects.filter(pk=case.pk).values_list(*asked).first() or ("",) * 4
    first, first_mark, last, last_mark = (value or "" for value in told)
    return Seeming(first, last, first != first_mark or last != last_mark)


# Of a message: how somebody marked that its writer felt, or else what it sounds like.
FELT = Coalesce(NullIf("feeling", Value("")), "felt_guess")


def columns() -> dict[str, Subquery]:
    """What `course` needs, to be read with a case."""
    said = words_of(OuterRef("pk"))
    first = said.exclude(feeling="").order_by("at", "id").values("feeling")[:1]
    return {"felt_first": Subquery(first), "felt_last": Subquery(said.order_by("-at", "-id").values("feeling")[:1])}


def words_of(case: object) -> QuerySet[Message]:
    """What the customer wrote in a case, automatic messages left out."""
    return Message.objects.filter(case=case, direction=Message.Direction.INBOUND, is_auto=False)  # type: ignore[misc]
