"""What there is to learn from: the customers' own words as people marked them, or as they themselves said it felt."""

from dataclasses import dataclass

from django.db.models import QuerySet

from cases.models import Message, SurveyAnswer

MOST = 20_000  # marked messages, the newest
LEAST = 300  # marked messages from which a model may go live
LEAST_OF_ONE = 30  # of each feeling
WORTH = 60  # from which training is worth its time


@dataclass(frozen=True)
class Marked:
    """What a customer wrote, in which case, and how they felt: as a person marked it, or (`survey`) as they said themselves."""

    text: str
    case: int
    feeling: str
    survey: bool = False


def marked() -> list[Marked]:
    """The newest first. Quotes and signatures are left out, for they are not what the customer said this time."""
    rows = _rows().only("text", "folds", "case_id", "feeling").order_by("-pk")[:MOST]
    found = (Marked(row.new_text, row.case_id, row.feeling) for row in rows)
    return [each for each in [*found, *surveyed()] if each.text.strip()]


def surveyed() -> list[Marked]:
    """What customers wrote when they were asked whether it was solved, with how they said it felt: the newest first. What they
    wrote before says nothing here: a complaint that was solved well felt good in the end."""
    rows = _said().order_by("-changed_at").values_list("words", "case_id", "feeling")[:MOST]
    return [Marked(*row, survey=True) for row in rows]


def worth_learning() -> bool:
    return _rows()[:WORTH].count() + _said()[:WORTH].count() >= WORTH


def _said() -> QuerySet[SurveyAnswer]:
    return SurveyAnswer.objects.exclude(feeling="").exclude(words="")


def _rows() -> QuerySet[Message]:
    return Message.objects.filter(direction=Message.Direction.INBOUND, is_auto=False).exclude(feeling="")
