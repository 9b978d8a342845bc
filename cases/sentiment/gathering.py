"""What there is to learn from: the customers' own words as people marked them."""

from dataclasses import dataclass

from django.db.models import QuerySet

from cases.models import Message

MOST = 20_000  # marked messages, the newest
LEAST = 300  # marked messages from which a model may go live
LEAST_OF_ONE = 30  # of each feeling
WORTH = 60  # from which training is worth its time


@dataclass(frozen=True)
class Marked:
    """What a customer wrote, in which case, and how they felt as a person marked it."""

    text: str
    case: int
    feeling: str


def marked() -> list[Marked]:
    """The newest first. Quotes and signatures are left out, for they are not what the customer said this time."""
    rows = _rows().only("text", "folds", "case_id", "feeling").order_by("-pk")[:MOST]
    found = (Marked(row.new_text, row.case_id, row.feeling) for row in rows)
    return [each for each in found if each.text.strip()]


def worth_learning() -> bool:
    return _rows()[:WORTH].count() >= WORTH


def _rows() -> QuerySet[Message]:
    return Message.objects.filter(direction=Message.Direction.INBOUND, is_auto=False).exclude(feeling="")
