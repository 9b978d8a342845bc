"""One case's past, told in memory and written in bulk: the same rows the verbs would have left, a hundred times faster."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cases.models import (
    CalendarVersion,
    Case,
    Clock,
    Contact,
    Issue,
    Message,
    Promise,
    Remedy,
    SLAPolicyVersion,
    SurveyAnswer,
    SurveyAsking,
)
from cases.models.answer import ArticleUse
from cases.remedies.granting import about
from crm.models import Event, User
from customers.models import Customer

ANSWERS = ("first_response", "next_response")


@dataclass
class Told:
    """One event to be, and the message or the remedy it is about."""

    kind: str
    at: datetime
    by: User | None = None
    via: str = "person"
    reason: str = ""
    message: Message | None = None
    remedy: Remedy | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Story:
    """A case and everything that happened to it up to `now`."""

    case: Case
    customer: Customer
    policy: SLAPolicyVersion
    hours: CalendarVersion
    now: datetime
    events: list[Told] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    remedies: list[Remedy] = field(default_factory=list)
    uses: list[ArticleUse] = field(default_factory=list)
    asking: SurveyAsking | None = None
    survey: SurveyAnswer | None = None

    def open(self, at: datetime, by: User | None = None) -> None:
        self.case.opened_at = at
        self.tell("opened", at, via="channel", queue=self.case.queue_id)
        self._start(at, "first_response", "resolution")

    def tell(
        self,
        kind: str,
        at: datetime,
        *,
        by: User | None = None,
        via: str = "person",
        reason: str = "",
        message: Message | None = None,
        remedy: Remedy | None = None,
        **data: Any,
    ) -> None:
        self.events.append(Told(kind, at, by, via, reason, message, remedy, data))
        self.case.version = len(self.events)

    def hear(self, text: str, at: datetime) -> None:
        """The customer writes."""
        message = self._say("inbound", text, at, sender_name=self.customer.name)
        self.tell("message_received", at, via="channel", message=message, auto=False)
        if self.case.waiting_since is None:
            self.case.waiting_since = at
        if self.case.status in {"waiting_customer", "waiting_internal", "resolved"}:
            self.become("open", at, via="channel", reason="customer_replied")
        if any(c.met_at for c in self.clocks if c.kind == "first_response") and not self._running("next_response"):
            self._start(at, "next_response")

    def note(self, text: str, at: datetime, by: User) -> None:
        message = self._say("note", text, at, author=by)
        self.tell("note_added", at, by=by, message=message, mentions=[])

    def answer(
        self,
        text: str,
        at: datetime,
        by: User,
        *,
        is_answer: bool,
        then: str,
        step: str = "",
        due: datetime | None = None,
    ) -> None:
        """A reply written, counted ten seconds later, and sent."""
        out = at + timedelta(seconds=10)
        message = self._say(
            "outbound",
            text,
            at,
            author=by,
            is_answer=is_answer,
            next_step=step,
            by_when=due,
            released_at=out,
            then_status=then,
        )
        self.tell("reply_written", at, by=by, message=message, answer=is_answer)
        self.tell("answer_released" if is_answer else "reply_released", out, by=by, message=message)
        if is_answer:
            self._meet(out, *ANSWERS)
            self._keep(out, message)
        if due:
            self._promise(step, due, by, message, out)
        self.become(then, out, by=by)
        self.tell("sent", out + timedelta(seconds=1), via="system", message=message)

    def become(
        self, status: str, at: datetime, *, by: User | None = None, via: str = "person", reason: str = ""
    ) -> None:
        case, was = self.case, self.case.status
        if was == status:
            return
        case.status = status
        if status == "resolved":
            case.resolved_at = at
        case.closed_at = at if status == "closed" else None
        if status not in {"new", "open"}:
            case.waiting_since = None
        kind = {"resolved": "resolved", "closed": "closed", "spam": "marked_spam"}.get(status)
        kind = kind or ("reopened" if was in {"resolved", "spam"} else "status_changed")
        self.tell(kind, at, by=by, via=via, reason=reason, status=status, was=was)
        self._follow(status, at)

    # --- time

    def _start(self, at: datetime, *kinds: str) -> None:
        targets = self.policy.target_seconds()
        for kind in kinds:
            clock = Clock(
                case=self.case, kind=kind, policy_version=self.policy, calendar_version=self.hours,
                target_seconds=targets[kind], started_at=at,
            )  # fmt: skip
            clock.run_from(at)
            self.clocks.append(clock)

    def _running(self, kind: str) -> bool:
        return any(c.kind == kind and not c.is_finished for c in self.clocks)

    def _meet(self, at: datetime, *kinds: str) -> None:
        for clock in self.clocks:
            if clock.kind in kinds and not clock.is_finished:
                clock.stand_from(at)
                clock.met_at = at

    def _follow(self, status: str, at: datetime) -> None:
        if status == "resolved":
            self._meet(at, "resolution")
        if status == "spam":
            for clock in self.clocks:
                clock.stand_from(at)
                clock.cancelled_at = at
        still = status in {"waiting_customer", "resolved", "closed"}
        for clock in self.clocks:
            if still and clock.is_running and clock.kind == "resolution":
                clock.stand_from(at)
            elif not still and not clock.is_finished and not clock.is_running:
                clock.go_on_from(at)

    def _promise(self, what: str, due: datetime, by: User, message: Message, at: datetime) -> None:
        self.promises.append(Promise(case=self.case, owner=by, what=what, due_at=due, made_by=message, made_at=at))
        self.tell("promise_made", at, by=by)

    def _keep(self, at: datetime, message: Message) -> None:
        for promise in self.promises:
            if promise.state == "open":
                promise.state = "kept" if at <= promise.due_at else "broken"
                promise.kept_by = message if promise.state == "kept" else None
                promise.settled_at = min(at, promise.due_at)
                self.tell(
                    f"promise_{promise.state}", promise.settled_at, by=message.author if promise.kept_by else None
                )

    # --- the end

    def settle(self) -> None:
        """What time has done by now: breaches, broken promises, and the columns a list is sorted by."""
        for clock in self.clocks:
            if clock.is_running and clock.due_at and clock.due_at < self.now:
                clock.breached_at = clock.breached_at or clock.due_at
            if clock.is_running and clock.warn_at and clock.warn_at < self.now:
                clock.warned_at = clock.warn_at
        for promise in self.promises:
            if promise.state == "open" and promise.due_at < self.now:
                promise.state, promise.settled_at = "broken", promise.due_at
                self.tell("promise_broken", promise.due_at, via="clock")
        self.sort()
        self._columns()

    def sort(self) -> None:
        """In the order in which it happened."""
        self.events.sort(key=lambda told: told.at)

    def _columns(self) -> None:
        case = self.case
        running = [c.due_at for c in self.clocks if c.is_running and c.due_at]
        promised = [p.due_at for p in self.promises if p.state == "open"]
        case.next_due_at, case.promise_due_at = min(running, default=None), min(promised, default=None)
        case.attention_at = min([d for d in (case.next_due_at, case.promise_due_at) if d], default=None)
        case.version = len(self.events)

    def _say(self, direction: str, text: str, at: datetime, **fields: Any) -> Message:
        message = Message(
            case=self.case, direction=direction, text=text, at=at, created_at=at,
            channel="" if direction == "note" else self.case.channel, language=self.case.language, **fields,
        )  # fmt: skip
        self.messages.append(message)
        self.case.last_message_at = at
        if direction != "note":
            self.case.preview, self.case.preview_direction = " ".join(text.split())[:160], direction
        return message

    def contact(self, issue: Issue) -> Contact:
        ended = self.case.resolved_at if self.case.status in {"resolved", "closed"} else None
        return Contact(
            case=self.case, customer=self.customer, issue=issue, channel=self.case.channel,
            started_at=self.case.opened_at, last_at=self.case.last_message_at or self.case.opened_at, ended_at=ended,
        )  # fmt: skip

    def rows(self) -> list[Event]:
        """The events as rows, once the messages and the remedies have keys."""
        made = []
        for version, told in enumerate(self.events, start=1):
            if told.message:
                told.data["message"] = told.message.pk
            if told.remedy:
                told.data |= about(told.remedy)
            made.append(
                Event(
                    stream="case",
                    stream_id=self.case.pk,
                    version=version,
                    kind=told.kind,
                    actor=told.by,
                    via=told.via,
                    reason=told.reason,
                    at=told.at,
                    data=told.data,
                )  # fmt: skip
            )
        return made
