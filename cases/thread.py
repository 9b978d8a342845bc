"""A case's thread as it is read: what was said, and between it what happened, oldest first, in bounded pieces."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import (
    Acknowledgement,
    Attachment,
    Case,
    CaseField,
    CaseMerge,
    Cause,
    Disposition,
    Macro,
    Message,
    Queue,
    RuleVersion,
    SideTalk,
    SurveyAnswer,
)
from cases.models.merge import UNDO_WITHIN
from cases.models.message import MessageQuerySet
from crm.database.prepared import Prepared, keys
from crm.live.streams import Happening
from crm.models import Event, User
from customers.models import Customer

PIECE = 50
MOST_EVENTS = 150
# What is not a message and still worth a line. Everything said in words is a message of its own.
TOLD = (
    "acknowledged",
    "assigned",
    "claimed",
    "released",
    "transferred",
    "helper_joined",
    "helper_left",
    "customer_set",
    "status_changed",
    "resolved",
    "outcome_noted",
    "reopened",
    "closed",
    "marked_spam",
    "merged",
    "took_in",
    "gave_back",
    "unmerged",
    "linked",
    "unlinked",
    "split_off",
    "issue_joined",
    "issue_left",
    "snoozed",
    "woken",
    "task_added",
    "task_done",
    "task_undone",
    "task_dropped",
    "side_begun",
    "side_written",
    "side_answered",
    "side_done",
    "side_reopened",
    "priority_changed",
    "fields_filled",
    "promise_made",
    "promise_kept",
    "promise_moved",
    "promise_broken",
    "need_met",
    "need_unmet",
    "survey_answered",
    "offer_presented",
    "offer_answered",
    "offer_fulfilled",
    "offer_left_to_hand",
    "remedy_granted",
    "remedy_asked",
    "remedy_raised",
    "remedy_approved",
    "remedy_refused",
    "remedy_called_off",
    "remedy_paid",
    "remedy_left_to_hand",
    "sla_warned",
    "sla_breached",
    "sla_action_failed",
    "sla_recomputed",
    "macro_used",
    "notified",
    "rule_failed",
    "rule_stopped",
    "clock_warned",
    "clock_breached",
)
# What is everyday where people do it is worth a line where nobody did.
TOLD_OF_RULES = ("tagged",)
# After these, words are in the thread that were not, or no longer: the whole of its newest piece is shown anew.
WHOLE = ("merged", "took_in", "gave_back", "unmerged", "split_off")


@dataclass(frozen=True)
class Item:
    """Either one message or the run of events between two messages."""

    at: datetime
    message: Message | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def day(self) -> str:
        """The reader's day it happened on."""
        return timezone.localdate(self.at).isoformat()


@dataclass(frozen=True)
class Piece:
    """Up to 50 messages with the events among them; `earlier` is the id to ask before, None at the beginning."""

    items: list[Item]
    earlier: int | None


def piece(case: Case, *, before: int | None = None) -> Piece:
    """The newest piece of the thread, or the one before message `before`. Four queries however long the thread."""
    found = _latest_of(case) if before is None else _messages(case, before)
    more = len(found) > PIECE
    found = found[:PIECE][::-1]
    events = _events(case, since=found[0].at if more else None, until=_end(case, before))
    return Piece(_woven(dressed(case, found), events), found[0].pk if more else None)


def _messages(case: Case, before: int) -> list[Message]:
    messages: MessageQuerySet = case.messages.all()
    first = case.messages.filter(pk=before).values("at", "pk").first()
    messages = (
        messages.filter(at__lt=first["at"]) | messages.filter(at=first["at"], pk__lt=before)
        if first
        else messages.none()
    )
    return list(_newest(messages))


def _newest(messages: MessageQuerySet) -> MessageQuerySet:
    return with_parts(messages).order_by("-at", "-id")[: PIECE + 1]


_NEWEST = Prepared(lambda case: _newest(Message.objects.filter(case=case)), int)
_ATTACHED = Prepared(lambda messages: Attachment.objects.filter(message__in=keys(messages)), list)


def _latest_of(case: Case) -> list[Message]:
    found = _NEWEST(case.pk)
    _attach(found)
    return found


def one(case: Case, pk: int) -> Message | None:
    """This message of the case, with everything it is shown with."""
    found = _ONE(case.pk, pk)
    _attach(found)
    return found[0] if found else None


_ONE = Prepared(lambda case, pk: with_parts(Message.objects.filter(case=case, pk=pk)), int, int)


def _attach(messages: Sequence[Message]) -> None:
    """Give each the files it came with, as prefetching would."""
    files: dict[int, list[Attachment]] = defaultdict(list)
    for file in _ATTACHED([message.pk for message in messages]) if messages else ():
        files[file.message_id].append(file)
    for message in messages:
        for file in files[message.pk]:
            file.message = message
        held = Attachment.objects.all()
        held._result_cache, held._prefetch_done = files[message.pk], True  # type: ignore[attr-defined]
        message._prefetched_objects_cache = {"attachments": held}  # type: ignore[attr-defined]


def with_parts(messages: MessageQuerySet) -> MessageQuerySet:
    """With everything cases.templatetags.spoken shows. A mail's HTML is only known to be there: its frame fetches it."""
    messages = messages.defer("html").annotate(has_html=~Q(html=""))
    return messages.select_related("author", "dispatch").prefetch_related("attachments")


def _end(case: Case, before: int | None) -> datetime | None:
    return case.messages.filter(pk=before).values_list("at", flat=True).first() if before else None


def _events(case: Case, *, since: datetime | None, until: datetime | None) -> list[Event]:
    if until:
        newest = list(_latest(_told(case.pk, since).filter(at__lt=until)))
    else:
        newest = _SINCE(case.pk, since) if since else _ALL(case.pk)
    return named([event for event in newest[::-1] if is_told(event)])


def _told(case: int, since: datetime | None = None) -> QuerySet[Event]:
    told = Q(kind__in=TOLD) | Q(kind__in=TOLD_OF_RULES, via="rule")
    events = Event.objects.filter(told, stream="case", stream_id=case)
    return events.filter(at__gte=since) if since else events


def _latest(events: QuerySet[Event]) -> QuerySet[Event]:
    return events.select_related("actor").order_by("-version")[:MOST_EVENTS]


_ALL = Prepared(lambda case: _latest(_told(case)), int)
_SINCE = Prepared(lambda case, since: _latest(_told(case, since)), int, datetime)


def is_told(event: Event | Happening) -> bool:
    """Whether an event has a line of its own. The promise of an acknowledgement stands in that one's line."""
    told = event.kind in TOLD or (event.via == "rule" and event.kind in TOLD_OF_RULES)
    return told and not (event.kind == "promise_made" and event.reason == "acknowledgement")


def acknowledgements(pks: Iterable[int]) -> dict[int, Acknowledgement]:
    """With what their lines show."""
    return Acknowledgement.objects.select_related("dispatch").in_bulk(pks)


def named(events: list[Event]) -> list[Event]:
    """Give each event `names`: the people, queues and customers its data points at, by kind and id; and what
    acknowledged."""
    people = _people(events)
    told = acknowledgements({pk for e in events if e.kind == "acknowledged" for pk in _ids(e, "acknowledgement")})
    queues = Queue.objects.in_bulk({q for e in events if e.kind == "transferred" for q in _ids(e, "queue", "was")})
    customers = Customer.objects.in_bulk({c for e in events if e.kind == "customer_set" for c in _ids(e, "customer")})
    macros = Macro.objects.select_related("current").in_bulk(
        {m for e in events if e.kind == "macro_used" for m in _ids(e, "macro")}
    )
    known: dict[str, Mapping[int, object]] = {"transferred": queues, "customer_set": customers, "macro_used": macros}
    merges = _merges(events)
    filled = {pk for e in events if e.kind == "fields_filled" for pk in e.data.get("fields", ())}
    fields = CaseField.objects.in_bulk(filled)
    talks = SideTalk.objects.in_bulk({pk for e in events for pk in _ids(e, "talk")})
    surveys = _surveys(events)
    rules, ends = _rules(events), _endings(events)
    for event in events:
        event.rule = rules.get(event.data.get("rule_version", 0))  # type: ignore[attr-defined]
        told_people = [str(people.get(person, "") or "") for person in event.data.get("people", ())]
        event.elsewhere = next((event.data[k] for k in _ELSEWHERE if k in event.data), None)  # type: ignore[attr-defined]
        event.merge = merges.get(event.data.get("merge", 0)) if event.kind == "took_in" else None  # type: ignore[attr-defined]
        event.acknowledgement = told.get(event.data.get("acknowledgement", 0))  # type: ignore[attr-defined]
        event.names = {  # type: ignore[attr-defined]
            key: str(known.get(event.kind, people).get(value, "") or "")
            for key, value in event.data.items()
            if isinstance(value, int)
        } | ({"people": ", ".join(filter(None, told_people))} if told_people else {})
        if "talk" in event.data:
            event.names["talk"] = str(talks.get(event.data["talk"], ""))  # type: ignore[attr-defined]
        if event.kind == "survey_answered":
            event.names["words"] = surveys.get(event.stream_id, "")  # type: ignore[attr-defined]
        if event.kind == "outcome_noted":
            event.names["outcome"] = ends.get(event.pk, "")  # type: ignore[attr-defined]
        if event.kind == "fields_filled":
            told_fields = [fields[pk] for pk in event.data.get("fields", ()) if pk in fields]
            event.names["fields"] = ", ".join(str(field) for field in told_fields)  # type: ignore[attr-defined]
    return events


_ELSEWHERE = ("into", "gone", "kept", "other")  # the number of another case


def _merges(events: list[Event]) -> dict[int, CaseMerge]:
    """Those that may still be undone."""
    keys = {pk for e in events if e.kind == "took_in" for pk in _ids(e, "merge")}
    fresh = CaseMerge.objects.filter(pk__in=keys, undone_at=None, at__gt=timezone.now() - UNDO_WITHIN)
    return {done.pk: done for done in fresh.select_related("gone")} if keys else {}


def _rules(events: list[Event]) -> dict[int, RuleVersion]:
    """The versions that did something here."""
    keys = {pk for e in events for pk in _ids(e, "rule_version")}
    return RuleVersion.objects.select_related("rule").in_bulk(keys) if keys else {}


def _endings(events: list[Event]) -> dict[int, str]:
    """What each event said of how a case ended, by the names of today."""
    told = [e for e in events if e.kind == "outcome_noted"]
    rows = {
        part: model.objects.in_bulk({pk for e in told for pk in _ids(e, part)})
        for part, model in (("disposition", Disposition), ("cause", Cause))
        if told
    }
    said = {e.pk: [str(rows[part].get(e.data.get(part) or 0, "")) for part in rows] for e in told}
    return {pk: ", ".join(filter(None, names)) for pk, names in said.items()}


def _surveys(events: list[Event]) -> dict[int, str]:
    """What customers added in their own words, by case."""
    keys = {e.stream_id for e in events if e.kind == "survey_answered"}
    rows = SurveyAnswer.objects.filter(case__in=keys).exclude(words="")
    return dict(rows.values_list("case", "words")) if keys else {}


def _people(events: list[Event]) -> dict[int, User]:
    """Whom the events name. Most of them did something here too, so that they are at hand."""
    known = {e.actor.pk: e.actor for e in events if e.actor}
    wanted = {p for e in events if _is_person(e) for p in _ids(e, "assignee", "was")}
    wanted |= {p for e in events for p in e.data.get("people", ())}
    return known | User.objects.in_bulk(wanted - known.keys())


def _is_person(event: Event) -> bool:
    return event.kind in {"assigned", "claimed", "released"}


def _ids(event: Event, *keys: str) -> Iterable[int]:
    return [event.data[key] for key in keys if isinstance(event.data.get(key), int)]


def dressed(case: Case, messages: Sequence[Message]) -> list[Message]:
    """Messages that know their case without asking the database again."""
    for message in messages:
        message.case = case
    return list(messages)


def _woven(messages: list[Message], events: list[Event]) -> list[Item]:
    items = [Item(m.at, message=m) for m in messages] + [Item(e.at, events=[e]) for e in events]
    items.sort(key=lambda item: item.at)
    woven: list[Item] = []
    for is_message, run in groupby(items, key=lambda item: item.message is not None):
        run_items = list(run)
        woven += run_items if is_message else [Item(run_items[0].at, events=[e for i in run_items for e in i.events])]
    return woven
