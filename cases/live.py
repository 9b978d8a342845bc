"""What the case and queue streams show to whom. Registered with crm.live when the app starts.

Case events change the row in the queue's list, the head of the open case, one entry of its thread (a message, a system
line or nothing to see: the versions of a thread have no gap), the customer's timeline and what is `me`'s. A customer's
new name changes their rows and what they wrote.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from cases import feelings, thread
from cases.live_board import moved
from cases.live_people import roles_in_cases
from cases.models import Acknowledgement, Case, Clock, Message, Queue, QueueSession
from cases.models.queue import SESSION_TTL
from cases.templatetags.rows import row
from cases.templatetags.spoken import spoken
from crm.database.prepared import Prepared, keys
from crm.live import streams, topics
from crm.live.streams import Fragment, Happening
from crm.models import Event, User


def _ids(only: Collection[str], prefix: str) -> list[int]:
    return [int(topics.ident(t)) for t in only if t.startswith(f"{prefix}.") and topics.ident(t).isdigit()]


# --- the case stream


def case_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    """State (row, head) at most once a case, at the version it has now; thread entries one an event."""
    cases = _cases(events, only)
    words = _Words(events)
    theirs: dict[int, list[Happening]] = defaultdict(list)
    for event in events:
        if case := cases.get(event.stream_id):
            theirs[case.pk].append(event)
            yield _entry(case, event, words)
            yield from _mine(case, event)
    for pk, case in cases.items():
        yield from _state(case, theirs[pk])


def _cases(events: Sequence[Happening], only: Collection[str] | None) -> dict[int, Case]:
    """Each case once, with what its row and head show; of a long replay only those that concern its topics."""
    changed = {e.stream_id for e in events}
    if only is not None:
        moved = {e.stream_id for e in events if e.kind == "transferred"}
        concerned = {e.stream_id for e in events if _concerned(e) & set(_ids(only, "user"))}
        in_lists = Q(queue__in=_ids(only, "queue")) | Q(customer__in=_ids(only, "customer"))
        yours = Q(assignee__in=_ids(only, "user"))
        wanted = in_lists | yours | Q(number__in=_ids(only, "case")) | Q(pk__in=moved | concerned)
        changed = set(Case.objects.filter(wanted, pk__in=changed).values_list("pk", flat=True))
    found = _SHOWN(list(changed)) if changed else []
    clocks = Clock.objects.shown_of([case.pk for case in found]) if found else {}
    for case in found:
        case.open_clocks = clocks.get(case.pk, [])  # type: ignore[attr-defined]
    return {case.pk: case for case in found}


# Every tick of every web process asks.
_SHOWN = Prepared(lambda of: Case.objects.filter(pk__in=keys(of)).shown().annotate(**feelings.columns()), list)


def _state(case: Case, events: Sequence[Happening]) -> Iterator[Fragment]:
    part = partial(Fragment, stream="case", subject=case.number, version=case.version, kind=events[-1].kind)
    yield part(topic=f"queue.{case.queue_id}", part="row", html=partial(row, case))
    for queue in _left(case, events):
        yield part(topic=f"queue.{queue}", part="row", gone=True)
    for queue in {case.queue_id, *_left(case, events)}:
        yield moved(queue, events[-1])
    yield part(topic=f"case.{case.number}", part="header", html=partial(_render, "header", case=case))
    if case.customer_id:
        yield part(topic=f"customer.{case.customer_id}", part="timeline")


def _left(case: Case, events: Iterable[Happening]) -> set[int]:
    """Queues it went through in these events and is not in now."""
    moves = [e.data for e in events if e.kind == "transferred"]
    return {q for data in moves for q in (data.get("was"), data.get("queue")) if q and q != case.queue_id}


def _entry(case: Case, event: Happening, words: "_Words") -> Fragment:
    message = event.data.get("message")
    return Fragment(
        topic=f"case.{case.number}",
        stream="case",
        subject=case.number,
        part="thread",
        version=event.version,
        kind=event.kind,
        html=partial(words.of, case, event),
        every=True,
        extra={"message": message} if message else {},
    )


def _mine(case: Case, event: Happening) -> Iterator[Fragment]:
    theirs = {case.assignee_id} if event.kind == "message_received" else set()
    if event.kind == "promise_due_soon":
        theirs = {event.data.get("owner") or case.assignee_id}
    for user in _concerned(event) | theirs:
        if user and user != event.actor_id:
            yield Fragment(topics.own(user), "case", case.number, "note", event.version, event.kind, every=True)


def _concerned(event: Happening) -> set[int]:
    """Whom the event itself names: who got the case, who had it, who is mentioned or told, the leads who look after a
    promise."""
    if event.kind in {"assigned", "claimed", "released"}:
        return {user for user in (event.data.get("assignee"), event.data.get("was")) if user}
    return {user for key in ("mentions", "leads", "people") for user in event.data.get(key, ())}


def _render(part: str, **shown: object) -> str:
    return render_to_string(f"cases/_{part}.html", shown)


class _Words:
    """The messages and people that thread entries show, fetched together when the first entry is wanted, if any is."""

    def __init__(self, events: Sequence[Happening]) -> None:
        self._events = events

    def of(self, case: Case, event: Happening) -> str:
        if event.kind in thread.WHOLE:
            return _render("whole", case=case, piece=thread.piece(case))
        if pk := event.data.get("message"):
            message = self._messages.get(pk)
            here = message is not None and message.case_id == case.pk  # else it went on with a merge or a split
            return spoken(thread.dressed(case, [message])[0]) if message and here else ""
        if event.kind in {"acknowledged", "acknowledgement_settled"}:
            told = self._acknowledgements.get(event.data["acknowledgement"])
            return _render("acknowledged", told=told) if told else ""
        line = self._lines.get(event.pos)
        said = _render("system", event=line) if line else ""
        return said + _unnamed(case) if event.kind in {"customer_changed", "customer_set"} else said

    @cached_property
    def _messages(self) -> Mapping[int, Message]:
        wanted = {e.data["message"] for e in self._events if e.data.get("message")}
        return {m.pk: m for m in thread.with_parts(Message.objects.filter(pk__in=wanted))}

    @cached_property
    def _acknowledgements(self) -> Mapping[int, Acknowledgement]:
        told = {pk for e in self._events if (pk := e.data.get("acknowledgement"))}
        return thread.acknowledgements(told)

    @cached_property
    def _lines(self) -> Mapping[int, Event]:
        told = [e for e in self._events if thread.is_told(e) and not e.data.get("message")]
        people = User.objects.in_bulk({e.actor_id for e in told if e.actor_id})
        return {e.pos or 0: e for e in thread.named([_event(e, people) for e in told])}


def _unnamed(case: Case) -> str:
    """The newest messages under which the customer's own name stands, for no other came with them."""
    said = thread.with_parts(case.messages.filter(direction=Message.Direction.INBOUND, sender_name=""))
    newest = list(said.order_by("-at", "-id")[: thread.PIECE])
    return "".join(map(spoken, thread.dressed(case, newest)))


def _event(event: Happening, people: Mapping[int, User]) -> Event:
    """The row again, with its actor at hand."""
    row = Event(**{name: getattr(event, name) for name in Happening.__dataclass_fields__})
    row.actor = people.get(event.actor_id or 0)
    return row


def case_readers(events: Sequence[Happening]) -> Iterable[str]:
    """A case in another queue has other readers."""
    moved = {e.stream_id for e in events if e.kind == "transferred"}
    numbers = Case.objects.filter(pk__in=moved).values_list("number", flat=True) if moved else []
    return [f"case.{number}" for number in numbers]


def may_watch_case(user: User, number: str) -> bool:
    return number.isdigit() and Case.objects.visible_to(user).filter(number=int(number)).exists()


def lists_of_cases(numbers: Iterable[str]) -> Mapping[str, str]:
    """Case number → the topic of its queue, whose list shows who is in the case."""
    rows = Case.objects.filter(number__in=[n for n in numbers if n.isdigit()]).values_list("number", "queue_id")
    return {str(number): f"queue.{queue}" for number, queue in rows}


# --- the customer stream, where a name stands in lists and threads


def named_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    """A customer has another name: the rows of their active cases, and what they wrote in those."""
    renamed = {e.stream_id: e for e in events if e.kind == "edited" and "name" in e.data.get("fields", ())}
    if not renamed:
        return
    shown: dict[tuple[int, int], list[Case]] = defaultdict(list)
    for case in Case.objects.active().filter(customer__in=renamed).for_screens().order_by("pk"):
        event = renamed[case.customer_id or 0]
        shown[case.customer_id or 0, case.queue_id].append(case)
        yield _by_name(event, f"case.{case.number}", "header", partial(_head_and_words, case))
    for (customer, queue), cases in shown.items():
        yield _by_name(renamed[customer], f"queue.{queue}", "row", partial(_rows, cases))


def _by_name(event: Happening, topic: str, part: str, html: Callable[[], str]) -> Fragment:
    return Fragment(topic, "customer", event.stream_id, part, event.version, event.kind, html=html)


def _head_and_words(case: Case) -> str:
    return _render("header", case=case) + _unnamed(case)


def _rows(cases: Sequence[Case]) -> str:
    return "".join(map(row, cases))


# --- the queue stream


def queue_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    """Somebody sat down or got up."""
    for event in events:
        topic = f"queue.{event.stream_id}"
        yield Fragment(topic, "queue", event.stream_id, "people", event.version, event.kind, every=True)


def may_watch_queue(user: User, pk: str) -> bool:
    return pk.isdigit() and Queue.objects.visible_to(user).filter(pk=int(pk)).exists()


def keep_sittings(pairs: Iterable[tuple[int, str]]) -> None:
    """An executive's sitting lasts while their console is really open. A lapsed one is not raised from the dead."""
    now = timezone.now()
    fresh = QueueSession.objects.filter(ended_at=None, seen_at__gte=now - SESSION_TTL)
    here = Q(pk__in=[])
    for user, queue in pairs:
        here |= Q(user=user, queue=int(queue))
    fresh.filter(here).update(seen_at=now)


# Numbers longer than a bigint are refused by the shape of a topic before they get here (crm.live.topics).
streams.register("case", fragments=case_fragments, readers=case_readers)
streams.register("queue", fragments=queue_fragments)
streams.register("customer", fragments=named_fragments)
topics.register("case", may_watch=may_watch_case, shown_on=lists_of_cases, shows_open=True, roles=roles_in_cases)
topics.register("queue", may_watch=may_watch_queue, alive=keep_sittings)
