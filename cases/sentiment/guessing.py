"""New messages are guessed as they come, beside everything else: a sweep of the keeper, never in the way of intake.

A guess is no mark: it is kept apart, opens nothing, and says who made it. Unknown is an answer."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection

from cases.hooks import Sound, sentiment_models
from cases.models import Message
from cases.models.message import UNGUESSED
from cases.sentiment import lexicon
from crm.learning import Reader

if TYPE_CHECKING:
    from cases.sentiment.model import Model

BATCH = 200
BACK = timedelta(days=30)  # older messages are left as they are
LISTS, PLUGIN = 0, -1  # who guessed, beside the versions of what was learned
TOLD = 0.6  # probability from which a guess is given; below it, unknown is the answer
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Guess:
    """What words sound like (empty: nothing can be told), how probable that is (None: nobody knows), and who says so."""

    feeling: str
    p: float | None
    by: int


def sweep(now: datetime) -> int:
    """Guess the newest messages that are not yet; returns how many. Two at once guess the same, and one of them is kept."""
    waiting = Message.objects.filter(UNGUESSED, created_at__gt=now - BACK).only("text", "folds").order_by("-created_at")
    rows = list(waiting[:BATCH])
    if rows:
        _keep(rows, guesses([row.new_text for row in rows]))
    return len(rows)


def guesses(texts: Sequence[str]) -> list[Guess]:
    """A guess for each text: by a plugin, else by what was learned, else by the lists of words."""
    return _by_plugin(texts) or _by_model(texts) or [Guess(lexicon.guess(text), None, LISTS) for text in texts]


def _by_plugin(texts: Sequence[str]) -> list[Guess] | None:
    """The first plugin that answers for all of these. One that fails, rests or answers something else is passed over."""
    for filled in sentiment_models.run(texts) if len(sentiment_models) else ():
        if filled.value is None:
            continue
        if _is_sound(filled.value, len(texts)):
            return [Guess(sound.feeling if sound.p >= TOLD else "", sound.p, PLUGIN) for sound in filled.value]
        log.warning("sentiment model %s answered what cannot be read", filled.name)
    return None


def _is_sound(value: object, wanted: int) -> bool:
    if not isinstance(value, Sequence) or len(value) != wanted:
        return False
    return all(isinstance(s, Sound) and s.feeling in {"", *lexicon.FEELINGS} and 0 <= s.p <= 1 for s in value)


def _by_model(texts: Sequence[str]) -> list[Guess] | None:
    learned = _reader.current()
    if learned is None:
        return None
    version, model = learned
    given = model.probabilities(texts)
    best = given.argmax(axis=1)
    told = ((lexicon.FEELINGS[place], float(row[place])) for place, row in zip(best, given, strict=True))
    return [Guess(feeling if p >= TOLD else "", round(p, 4), version) for feeling, p in told]


def _keep(rows: Sequence[Message], told: Sequence[Guess]) -> None:
    """In one statement, and only where nobody guessed meanwhile. No event: nothing happened to the case, and what somebody
    writes in this moment does not become stale by it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            [[r.pk for r in rows], [g.feeling for g in told], [g.p for g in told], [g.by for g in told]],
        )


_KEEP = """
UPDATE cases_message held SET felt_guess = new.feeling, felt_p = new.p, felt_by = new.by
  FROM unnest(%s::bigint[], %s::text[], %s::float[], %s::bigint[]) AS new (id, feeling, p, by)
 WHERE held.id = new.id AND held.felt_by IS NULL
"""


def _read(content: bytes) -> "Model":
    from cases.sentiment import model  # brings libraries that only who guesses by it needs

    return model.unpack(content)


_reader = Reader("sentiment", _read)


def forget() -> None:
    """Look anew at the next message, in this process."""
    _reader.forget()
