"""Finding a saved reply, and what it says in one case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case as When_
from django.db.models import F, IntegerField, QuerySet, Value, When
from django.utils import timezone

from cases import filling, variables
from cases.models import Case, SavedReply
from crm.models import User

MOST = 12  # offered at once


@dataclass(frozen=True)
class Rendered:
    """What a saved reply says in one case, in the language its customer is written to."""

    reply: SavedReply
    language: str
    text: str

    @property
    def missing(self) -> list[str]:
        """The variables nothing is known for; they stand in the text as they are written."""
        return variables.places(self.text)

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        return variables.pieces(self.text)


def offered(case: Case, user: User, asked: str = "") -> QuerySet[SavedReply]:
    """What this person may say in this case, best first: the shortcut as it is typed, one's own, what is used most."""
    typed = asked.strip().lower()
    found = SavedReply.objects.offered(user, case.queue).about(asked).select_related("current", "owner")
    begins = [When(shortcut__iexact=typed, then=Value(0)), When(shortcut__istartswith=typed, then=Value(1))]
    by_shortcut = When_(*(begins if typed else []), default=Value(2), output_field=IntegerField())
    not_mine = When_(When(owner=user, then=Value(0)), default=Value(1), output_field=IntegerField())
    return found.order_by(by_shortcut, not_mine, F("used_count").desc(), "current__title", "pk")


def render(
    replies: Iterable[SavedReply], case: Case, user: User, *, promise: filling.Promised | None = None
) -> list[Rendered]:
    """Their texts for this case. A promise that is being written fills its variables."""
    standing = promise or filling.promised(case)
    by_language: dict[str, dict[str, str]] = {}
    shown = []
    for reply in replies:
        language, text = filling.told_in(reply.texts, case)
        if language not in by_language:
            by_language[language] = filling.values(case, by=user, language=language, promise=standing)
        shown.append(Rendered(reply, language, variables.fill(text, by_language[language])))
    return shown


def mark_used(reply: SavedReply, *, at: datetime | None = None) -> None:
    """It went into what somebody writes."""
    now = at or timezone.now()
    SavedReply.objects.filter(pk=reply.pk).update(used_count=F("used_count") + 1, used_at=now)


# --- trying one out


def sample(user: User) -> Case | None:
    """A case to try a text on: the newest of one's own, else the newest one sees."""
    seen = Case.objects.visible_to(user).active().select_related("customer", "queue").order_by("-pk")
    return seen.filter(assignee=user).first() or seen.first()


@dataclass(frozen=True)
class Trial:
    """A text of one language as it would read in a case; `is_theirs`: it is the one its customer would get."""

    language: str
    text: str
    is_theirs: bool

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        return variables.pieces(self.text)


def trial(texts: Mapping[str, str], case: Case, user: User) -> list[Trial]:
    theirs, _text = filling.told_in(texts, case)
    return [
        Trial(code, variables.fill(text, filling.values(case, by=user, language=code)), code == theirs)
        for code, text in texts.items()
    ]
