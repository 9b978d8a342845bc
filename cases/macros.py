"""Macros: several actions on a case as one command. What would happen is found out by doing it and taking it all back, so
that the preview cannot differ from the run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import conversation, macro_doing, macro_steps, transitions
from cases.macro_doing import VIA, Order
from cases.models import Case, Macro, MacroVersion
from cases.models.case import Refusal
from crm import commands
from crm.models import User

WILL, ALREADY, REFUSED = "will", "already", "refused"


@dataclass(frozen=True)
class Effect:
    """One action on one case: it will happen, is so already, or is refused, and then why. `words` are what a reply or note
    says here, `missing` the variables of it that nothing is known for."""

    do: str
    told: str
    fate: str
    why: str = ""
    words: str = ""
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Done:
    """What a macro did to a case, or would do; `messages` are the keys of what it wrote."""

    macro: int
    version: int
    opens_next: str
    effects: list[Effect]
    messages: list[int] = field(default_factory=list)
    drafted: bool = False
    replayed: bool = False

    @property
    def refused(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.fate == REFUSED]

    @property
    def happens(self) -> bool:
        return any(effect.fate == WILL for effect in self.effects)

    @property
    def missing(self) -> list[str]:
        """The variables to be filled in, each once."""
        return list(dict.fromkeys(name for effect in self.refused for name in effect.missing))

    @property
    def is_refused_otherwise(self) -> bool:
        """Whether something is refused that filling in would not mend."""
        return any(not effect.missing for effect in self.refused)


class NotAll(Refusal):
    """One of its actions is refused on this case, so that none was done."""

    def __init__(self, done: Done) -> None:
        reasons = " ".join(f"{effect.told}: {effect.why}" for effect in done.refused)
        super().__init__(_("Nothing was done. %(reasons)s") % {"reasons": reasons})
        self.done = done


class Changed(Refusal):
    """The macro has another version than the one that was looked at."""

    def __init__(self) -> None:
        super().__init__(_("This macro was changed. Look at what it does now."))


def run(
    case: Case, macro: Macro, *, by: User, key: str, order: Order | None = None, at: datetime | None = None
) -> Done:
    """Run the macro on this case once for one `key` of this person, however often it is asked; all of it or, by a
    Refusal, nothing. Call it outside a transaction. On many cases: one key for each.

    Raises NotAll when an action is refused (unless `order.partly`), Stale when somebody else spoke, Changed when the macro
    did, and what crm.commands.once raises."""
    order = order or Order()
    answer = commands.once(
        by,
        key,
        _fingerprint(case, macro, order),
        lambda: (200, asdict(carry_out(case, macro, by=by, order=order, at=at))),
    )
    told: dict[str, Any] = answer.response
    effects = [Effect(**effect) for effect in told["effects"]]
    return Done(**(told | {"effects": effects, "replayed": answer.replayed}))


def _fingerprint(case: Case, macro: Macro, order: Order) -> str:
    """The same macro on the same case with the same words. What was read when is not part of it."""
    parts = ["macro", case.pk, macro.pk, order.partly, sorted(order.filled.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@transaction.atomic
def carry_out(case: Case, macro: Macro, *, by: User, order: Order | None = None, at: datetime | None = None) -> Done:
    """The same inside the caller's command: once for each call."""
    order = order or Order()
    done = _walk(case, macro, by, order, at or timezone.now())
    if done.refused and not order.partly:
        raise NotAll(done)
    if done.happens:
        case.record("macro_used", by=by, at=at, via=VIA, macro=done.macro, version=done.version)
        Macro.objects.filter(pk=macro.pk).update(used_count=F("used_count") + 1, used_at=at or timezone.now())
    return done


def preview(case: Case, macro: Macro, *, by: User, filled: Mapping[str, str] | None = None) -> Done:
    """What running it now would do: done to a copy of the case, and all taken back."""
    copy = Case.objects.get(pk=case.pk)
    with transaction.atomic():
        try:
            return _walk(copy, macro, by, Order(filled=filled or {}), timezone.now())
        finally:
            transaction.set_rollback(True)


def _walk(case: Case, macro: Macro, by: User, order: Order, at: datetime) -> Done:
    """Each action in its order, under the case's lock. A refused one leaves nothing of itself."""
    case.lock()
    version = _current(case, macro, order)
    work = macro_doing.Work(case=case, by=by, at=at, queue=case.queue_id, then_status=_then(version.steps), order=order)
    effects = [_tried(work, step) for step in _in_order(version.steps)]
    return Done(macro.pk, version.number, version.opens_next, effects, list(work.messages), work.drafted)


def _current(case: Case, macro: Macro, order: Order) -> MacroVersion:
    found = Macro.objects.offered(case.queue_id).filter(pk=macro.pk).select_related("current").first()
    if found is None or found.current is None:
        raise Refusal(_("This macro is not for cases of %(queue)s.") % {"queue": case.queue.name})
    if order.version is not None and found.current.number != order.version:
        raise Changed
    return found.current


def _then(steps: Sequence[macro_steps.Step]) -> str:
    """The status a reply that is sent carries: as when it is sent by hand, it comes when the reply has left, and an undone
    reply changes none. Empty: nothing is sent, and a status is set at once."""
    if not macro_steps.sends(steps):
        return ""
    return next((step["status"] for step in steps if step["do"] == "status"), transitions.WAITING_CUSTOMER)


def _in_order(steps: Sequence[macro_steps.Step]) -> list[macro_steps.Step]:
    """As written; but a status that comes with the reply stands after it."""
    if not macro_steps.sends(steps):
        return list(steps)
    status = [step for step in steps if step["do"] == "status"]
    rest = [step for step in steps if step["do"] != "status"]
    after = next(n for n, step in enumerate(rest) if step["do"] == "reply") + 1
    return [*rest[:after], *status, *rest[after:]]


def _tried(work: macro_doing.Work, step: macro_steps.Step) -> Effect:
    case = work.case
    case.lock()
    before = case.version
    told = macro_doing.told(work, step)
    shown = {"do": step["do"], "told": told.sentence, "words": told.words, "missing": told.missing}
    try:
        with transaction.atomic():
            told.must_be_possible()
            changed = macro_doing.do(work, step, told)
    except conversation.Stale:
        raise
    except Refusal as refusal:
        return Effect(**shown, fate=REFUSED, why=refusal.message)
    return Effect(**shown, fate=WILL if changed or case.version != before else ALREADY)
