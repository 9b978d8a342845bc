"""New messages are guessed as they come, beside everything else: a sweep of the keeper, never in the way of intake.

A guess is no mark: it is kept apart, opens nothing, and says who made it. Unknown is an answer. When a model goes live, what
the lists or an older model guessed in the last two weeks is guessed anew by it, a batch at a time (`anew`)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import F, Max

from cases.hooks import Sound, sentiment_models
from cases.models import GuessedAnew, Message
from cases.models.message import UNGUESSED
from cases.sentiment import lexicon
from crm.learning import Reader
from crm.models import Learned

if TYPE_CHECKING:
    from cases.sentiment.model import Model

BATCH = 200
BACK = timedelta(days=30)  # older messages are left as they are
ANEW = timedelta(days=14)  # so far back a model that goes live guesses anew what others guessed
SETTLED = timedelta(minutes=1)  # by then whoever guessed by the version before is done
LOOKED = 500  # messages looked at in one round of that
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
    waiting = (
        Message.objects.filter(UNGUESSED, created_at__gt=now - BACK)
        .only("text", "folds", "felt_by")
        .order_by("-created_at")
    )
    rows = list(waiting[:BATCH])
    if rows:
        live = _live()
        _keep(rows, guesses([row.new_text for row in rows], live), live)
    return len(rows)


def guesses(texts: Sequence[str], live: int | None = None) -> list[Guess]:
    """A guess for each text: by a plugin, else by what was learned, else by the lists of words. `live`: the version that
    is in use, where somebody has just asked."""
    live = _live() if live is None else live
    return _by_plugin(texts) or _by_model(texts, live) or [Guess(lexicon.guess(text), None, LISTS) for text in texts]


def _live() -> int:
    """The version in use; 0: none is."""
    found = Learned.objects.filter(kind="sentiment", in_use=True).order_by("-pk")
    return found.values_list("pk", flat=True).first() or 0


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


def _by_model(texts: Sequence[str], live: int) -> list[Guess] | None:
    learned = _reader.of(live)
    if learned is None:
        return None
    version, model = learned
    given = model.probabilities(texts)
    best = given.argmax(axis=1)
    told = ((lexicon.FEELINGS[place], float(row[place])) for place, row in zip(best, given, strict=True))
    return [Guess(feeling if p >= TOLD else "", round(p, 4), version) for feeling, p in told]


def _keep(rows: Sequence[Message], told: Sequence[Guess], live: int) -> None:
    """In one statement, and only where nobody guessed since these were read, and no newer version than `live` is in use:
    what slept over that says nothing, and the message is guessed at the next look. No event: nothing happened to the
    case, and what somebody writes in this moment does not become stale by it."""
    columns: list[Any] = [
        [row.pk for row in rows],
        [row.felt_by for row in rows],
        [guess.feeling for guess in told],
        [guess.p for guess in told],
        [guess.by for guess in told],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [*columns, live])


_KEEP = """
UPDATE cases_message held SET felt_guess = new.feeling, felt_p = new.p, felt_by = new.by
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::float[], %s::bigint[]) AS new (id, was, feeling, p, by)
 WHERE held.id = new.id AND held.felt_by IS NOT DISTINCT FROM new.was
   AND NOT EXISTS (SELECT FROM crm_learned WHERE kind = 'sentiment' AND in_use AND id > %s)
"""


# --- a model goes live


def anew(now: datetime) -> int:
    """Guess some of the last days' messages by the version in use where the lists or an older one guessed; returns how many
    were looked at. From the newest back, by a mark in the database: whoever dies in it or comes second does again what is
    as it was, and what a plugin guessed, what nobody guessed yet and what people marked stays."""
    live = _live()
    walk = _walk(live, now) if live else None
    if walk is None:
        return 0
    found = Message.objects.filter(pk__lt=walk.before).only("text", "folds", "felt_by", "created_at").order_by("-pk")
    looked = [row for row in found[:LOOKED] if row.created_at > now - ANEW]
    rows = [row for row in looked if row.felt_by is not None and LISTS <= row.felt_by < live]
    if rows:
        told = _by_model([row.new_text for row in rows], live)
        if told is None:  # kept in a form of another release
            return 0
        _keep(rows, told, live)
    GuessedAnew.objects.filter(pk=walk.pk, before=walk.before).update(
        before=looked[-1].pk if looked else 0,
        count=F("count") + len(rows),
        done_at=None if looked else now,
    )
    return len(looked)


def _walk(live: int, now: datetime) -> GuessedAnew | None:
    """How far this version has come; None where it is done, or too young to begin."""
    found = GuessedAnew.objects.filter(version=live).first()
    if found is None and Learned.objects.filter(pk=live, made_at__lte=now - SETTLED).exists():
        newest = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
        found, _fresh = GuessedAnew.objects.get_or_create(version_id=live, defaults={"before": newest + 1})
    return found if found and found.done_at is None else None


def _read(content: bytes) -> "Model":
    from cases.sentiment import model  # brings libraries that only who guesses by it needs

    return model.unpack(content)


_reader = Reader("sentiment", _read)


def forget() -> None:
    """Look anew at the next message, in this process."""
    _reader.forget()
