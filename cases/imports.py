"""Queues, cases, messages, events and articles from elsewhere. Times are kept; nothing is ever sent (docs/import.md).

What is there stays as it is: a case or message that came in once is "unchanged", whatever was done with it since."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cases import fields, settling, transitions
from cases.mail.html import harmless
from cases.mail.reading import LONGEST_TEXT
from cases.models import Article, Case, Issue, Message, Queue, Tag
from cases.models.tag import spelt
from crm import bulk
from crm.events import record_history
from crm.importing import CREATED, UNCHANGED, UPDATED, Kind, Line, by_external_id, missing
from crm.models import Event, User
from crm.times import Past
from customers.folding import clean
from customers.imports import Named, text
from customers.models import Customer

_WORD = re.compile(r"[\w:.+\-]{0,64}")


class QueueLine(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    external_id = text(200, allow_blank=False)
    description = text(300)


class CaseLine(Named):
    customer = text(200, allow_null=True)
    queue = text(80, allow_null=True)
    assignee = text(150, allow_null=True)
    channel = serializers.RegexField(r"^[\w.-]+$", max_length=40, default="import")
    subject = text(300, default="")
    priority = serializers.ChoiceField(choices=Case.Priority.choices, default=Case.Priority.NORMAL)
    status = serializers.ChoiceField(choices=Case.Status.choices, default=Case.Status.CLOSED)
    language = text(12, allow_blank=False)
    opened_at = Past()
    resolved_at = Past(required=False, allow_null=True)
    closed_at = Past(required=False, allow_null=True)
    status_at = Past(required=False, allow_null=True)
    answered_by = text(200, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), default=list, max_length=50)
    custom = serializers.DictField(default=dict)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["status"] == transitions.MERGED:
            raise serializers.ValidationError({"status": _("A merged case comes in as closed.")})
        if data["status"] == transitions.RESOLVED and not data.get("resolved_at"):
            raise serializers.ValidationError({"resolved_at": _("Say when it was resolved.")})
        for name in ("resolved_at", "closed_at", "status_at"):
            if data.get(name) and data[name] < data["opened_at"]:
                raise serializers.ValidationError({name: _("This is before the case was opened.")})
        return data


class MessageLine(Named):
    external_id = serializers.CharField(max_length=250)
    case = serializers.CharField(max_length=200)
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    author = text(200, allow_null=True)
    at = Past()
    text = serializers.CharField(max_length=LONGEST_TEXT, allow_blank=True, trim_whitespace=False, default="")
    html = serializers.CharField(max_length=2_000_000, allow_blank=True, required=False, trim_whitespace=False)
    is_answer = serializers.BooleanField(required=False)
    is_auto = serializers.BooleanField(default=False)


class EventLine(serializers.Serializer[Any]):
    case = serializers.CharField(max_length=200)
    kind = serializers.RegexField(r"^[a-z_]{1,40}$")
    actor = text(150, allow_null=True)
    at = Past()
    data = serializers.DictField(default=dict)  # type: ignore[assignment]

    def validate_data(self, value: dict[str, Any]) -> dict[str, Any]:
        """The log holds no words of people: it is never erased."""
        if not _is_plain(value):
            raise serializers.ValidationError(_("Only ids, numbers, times and single words; put text into a message."))
        if not isinstance(value.get("status", ""), str):
            raise serializers.ValidationError(_("A status is one word."))
        return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_WORD.fullmatch(str(k)) and _is_plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, str) or _WORD.fullmatch(value) is not None


class ArticleLine(Named):
    title = serializers.CharField(max_length=200)
    body = serializers.CharField(max_length=1_000_000, trim_whitespace=False)
    audience = serializers.ChoiceField(choices=Article.Audience.choices, default=Article.Audience.INTERNAL)
    language = text(12, default="en", allow_blank=False)


# --- queues


def load_queues(lines: list[Line], source: str) -> None:
    for line in lines:
        columns = {k: v for k, v in line.data.items() if k != "external_id"}
        named = Q(name=columns["name"])
        if line.external_id:
            named |= Q(source=source, external_id=line.external_id)
        queue = Queue.objects.filter(named).first()
        line.outcome = UNCHANGED if queue else CREATED
        if queue is None:
            _new_queue(columns["name"], source, line.external_id or None, columns.get("description", ""))


def _new_queue(name: str, source: str, external_id: str | None = None, description: str = "") -> Queue:
    queue = Queue.objects.create(name=name, source=source, external_id=external_id, description=description)
    queue.record("queue_created", by=None, via="import")
    return queue


def queues_of(lines: list[Line], source: str) -> dict[str, Queue]:
    """The queues these cases name, by name or external id; one nobody knows is made. "" is the oldest active one."""
    names = {line.data.get("queue") or "" for line in lines}
    found: dict[str, Queue] = {}
    for queue in Queue.objects.filter(Q(name__in=names) | Q(source=source, external_id__in=names)):
        found |= {name: queue for name in (queue.name, queue.external_id) if name}
    for name in sorted(names - found.keys() - {""}):
        found[name] = _new_queue(name, source)
    if "" in names:
        found[""] = Queue.objects.filter(is_active=True).order_by("pk").first() or _new_queue("Inbox", source)
    return found


def _people(names: Iterable[str | None]) -> dict[str, User]:
    """Users by user name or mail address, as lines name them."""
    wanted = {n for n in names if n}
    if not wanted:
        return {}
    users = User.objects.filter(Q(username__in=wanted) | Q(email__in=wanted))
    return {name: user for user in users for name in (user.username, user.email) if name}


# --- cases


def load_cases(lines: list[Line], source: str) -> None:
    known = by_external_id(Case, source, [line.external_id for line in lines])
    fresh = []
    customers = by_external_id(Customer, source, [line.data.get("customer") for line in lines])
    for line in lines:
        wanted = line.data.get("customer")
        if line.external_id in known:
            line.outcome = UNCHANGED
        elif wanted and wanted not in customers:
            missing(line, _("customer"), wanted)
        else:
            fresh.append(line)
    if fresh:
        _make_cases(fresh, source, customers)


def _make_cases(lines: list[Line], source: str, customers: dict[str, Customer]) -> None:
    queues, people = queues_of(lines, source), _people(line.data.get("assignee") for line in lines)
    for line in lines:
        customer = customers.get(line.data.get("customer") or "")
        assignee = people.get(line.data.get("assignee") or "")
        line.about = _case(line.data, queues[line.data.get("queue") or ""], customer, assignee)
        line.about.source, line.about.external_id = source, line.external_id
        line.outcome = CREATED
    cases = [line.about for line in lines]
    bulk.insert([case.issue for case in cases if case.issue])
    names = Tag.objects.names({tag for case in cases for tag in case.tags})
    for case in cases:
        case.tags = sorted({names[tag] for tag in case.tags})
    Case.objects.bulk_create(cases)
    fields.bring(cases)
    articles = by_external_id(Article, source, [line.data.get("answered_by") for line in lines])
    told = [event for line in lines for event in _history(line.about, line.data, articles)]
    record_history(told, cases)


def _case(data: dict[str, Any], queue: Queue, customer: Customer | None, assignee: User | None) -> Case:
    opened, status = data["opened_at"], data["status"]
    answered = {"answered_by": data["answered_by"]} if data.get("answered_by") else {}
    return Case(
        queue=queue,
        customer=customer,
        assignee=assignee,
        issue=Issue(customer=customer, opened_at=opened) if customer else None,
        subject=" ".join(clean(data["subject"]).split())[:300],
        status=status,
        priority=data["priority"],
        channel=data["channel"],
        language=data.get("language") or (customer.language if customer else "en"),
        tags=spelt(data["tags"]),
        custom=data["custom"] | answered,
        opened_at=opened,
        resolved_at=data.get("resolved_at"),
        closed_at=(data.get("closed_at") or data.get("resolved_at") or opened) if status == "closed" else None,
        waiting_since=opened if status in (transitions.NEW, transitions.OPEN) else None,
    )


def _history(case: Case, data: dict[str, Any], articles: dict[str, Article]) -> list[Event]:
    """What must have happened for the case to be where it is, at the times the line gives."""
    steps: list[tuple[str, datetime, dict[str, Any]]] = [
        ("opened", case.opened_at, {"queue": case.queue_id, "channel": case.channel, "priority": case.priority})
    ]
    answer = articles.get(data.get("answered_by") or "")
    if case.resolved_at and case.status in (transitions.RESOLVED, transitions.CLOSED):
        said = {"status": "resolved", "was": "new", **({"article": answer.pk} if answer else {})}
        steps.append(("resolved", case.resolved_at, said))
    if case.closed_at:
        steps.append(("closed", case.closed_at, {"status": "closed", "was": "resolved"}))
    elif case.status not in (transitions.NEW, transitions.RESOLVED):
        kind = "marked_spam" if case.status == transitions.SPAM else "status_changed"
        steps.append((kind, data.get("status_at") or case.opened_at, {"status": case.status, "was": "new"}))
    return [_event(case, kind, at, said) for kind, at, said in steps]


def _event(case: Case, kind: str, at: datetime, data: dict[str, Any], actor: User | None = None) -> Event:
    case.version += 1
    return Event(
        stream="case", stream_id=case.pk, version=case.version, kind=kind, actor=actor, via="import", at=at, data=data
    )


# --- messages and events


def _locked(lines: list[Line], source: str) -> dict[str, Case]:
    """The cases these lines are about, locked in one order."""
    wanted = {line.data["case"] for line in lines}
    rows = Case.objects.select_for_update(of=("self",), no_key=True).filter(source=source, external_id__in=wanted)
    return {case.external_id: case for case in rows.order_by("pk")}  # type: ignore[misc]


def load_messages(lines: list[Line], source: str) -> None:
    cases = _locked(lines, source)
    rows = Message.objects.filter(source=source, external_id__in=[line.external_id for line in lines])
    known = set(rows.values_list("external_id", flat=True))
    people = _people(line.data.get("author") for line in lines)
    fresh = []
    for line in lines:
        case = cases.get(line.data["case"])
        if line.external_id in known:
            line.outcome = UNCHANGED
        elif case is None:
            missing(line, _("case"), line.data["case"])
        else:
            line.about, line.outcome = _numbered(_message(line, case, source, people)), CREATED
            fresh.append(line)
    bulk.insert([line.about for line in fresh])
    told = [event for line in fresh for event in _said(line.about)]
    record_history(told, list({line.about.case_id: line.about.case for line in fresh}.values()))


def _message(line: Line, case: Case, source: str, people: dict[str, User]) -> Message:
    data = line.data
    outbound, inbound = data["direction"] == "outbound", data["direction"] == "inbound"
    author = None if inbound else people.get(data.get("author") or "")
    return Message(
        case=case,
        direction=data["direction"],
        channel="" if data["direction"] == "note" else case.channel,
        author=author,
        sender_name="" if author else (data.get("author") or "")[:200],
        text=clean(data["text"]),
        html=harmless(clean(data.get("html", ""))),
        language=case.language,
        at=data["at"],
        is_answer=data.get("is_answer", outbound and not data["is_auto"]),
        is_auto=data["is_auto"],
        released_at=data["at"] if outbound else None,
        source=source,
        external_id=line.external_id,
    )


def _said(message: Message) -> list[Event]:
    """The events of one utterance, as the conversation records them. The versions were set aside in `_numbered`."""
    about: dict[str, Any] = {"message": message.pk}
    if message.direction == "inbound":
        told = [("message_received", {**about, "auto": message.is_auto})]
    elif message.direction == "note":
        told = [("note_added", {**about, "mentions": []})]
    else:
        released = "answer_released" if message.is_answer else "reply_released"
        told = [("reply_written", {**about, "answer": message.is_answer}), (released, about)]
    return [
        Event(
            stream="case",
            stream_id=message.case_id,
            version=message.case_version + n,
            kind=kind,
            actor=message.author,
            via="import",
            at=message.at,
            data=data,
        )
        for n, (kind, data) in enumerate(told)
    ]


def _numbered(message: Message) -> Message:
    """Set the versions of its events aside: one, or two for a reply, written and released."""
    message.case_version = message.case.version + 1
    message.case.version += 2 if message.direction == "outbound" else 1
    return message


def load_events(lines: list[Line], source: str) -> None:
    """An event is the same when all it says is the same: it has no id of its own."""
    cases = _locked(lines, source)
    rows = Event.objects.filter(stream="case", stream_id__in=[c.pk for c in cases.values()], via="import")
    rows = rows.filter(kind__in={line.data["kind"] for line in lines})
    held = {_signature(e.stream_id, e.kind, e.at, e.actor_id, e.data) for e in rows}
    people = _people(line.data.get("actor") for line in lines)
    told = []
    for line in lines:
        case, actor = cases.get(line.data["case"]), people.get(line.data.get("actor") or "")
        if case is None:
            missing(line, _("case"), line.data["case"])
            continue
        key = _signature(case.pk, line.data["kind"], line.data["at"], actor.pk if actor else None, line.data["data"])
        line.outcome = UNCHANGED if key in held else CREATED
        if key not in held:
            held.add(key)
            line.about = _event(case, line.data["kind"], line.data["at"], line.data["data"], actor)
            told.append(line.about)
    record_history(told, list(cases.values()))


def _signature(case: int, kind: str, at: datetime, actor: int | None, data: Any) -> tuple[Any, ...]:
    return case, kind, at, actor, json.dumps(data, sort_keys=True)


# --- articles


def load_articles(lines: list[Line], source: str) -> None:
    known = by_external_id(Article, source, [line.external_id for line in lines])
    for line in lines:
        article = known.get(line.external_id)
        line.outcome = CREATED if article is None else UNCHANGED if _reads(article, line.data) else UPDATED
        if article is None:
            article = Article.objects.create(source=source, external_id=line.external_id)
        if line.outcome != UNCHANGED:
            article.audience = line.data["audience"]
            article.save(update_fields=["audience"])
            article.publish(**{k: line.data[k] for k in ("title", "body", "language")}, by=None)


def _reads(article: Article, data: dict[str, Any]) -> bool:
    current = article.current
    if current is None or article.audience != data["audience"]:
        return False
    return (current.title, current.body, current.language) == (data["title"], data["body"], data["language"])


def finish(lines: list[Line]) -> None:
    """At the end of a batch: what follows from its new cases, messages and events."""
    now = timezone.now()
    messages = [line.about for line in lines if line.type == "message" and line.about]
    opened = [line.about.pk for line in lines if line.type == "case" and line.about]
    happened = [line.about.stream_id for line in lines if line.type == "event" and line.about]
    settling.settle({*opened, *happened, *(m.case_id for m in messages)}, messages, now)


KINDS = {
    "queue": Kind(QueueLine, load_queues),
    "article": Kind(ArticleLine, load_articles),
    "case": Kind(CaseLine, load_cases),
    "message": Kind(MessageLine, load_messages),
    "event": Kind(EventLine, load_events),
}
