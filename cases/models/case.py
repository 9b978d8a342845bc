from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models.expressions import Func, Value
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import transitions
from cases.models.beside import Issue
from cases.models.case_indexes import INDEXES
from cases.models.case_rows import CaseQuerySet as CaseQuerySet
from cases.models.case_rows import renew
from cases.models.clock import Clock
from cases.models.need import HOW, MET_BY_ITS_OWN_EVENT, SILENT
from cases.models.notification import Notification
from cases.models.outcome import Cause, Disposition, ended, must_be_ready
from cases.models.queue import Queue, QueueMembership
from cases.models.refusals import AlreadyClaimed as AlreadyClaimed
from cases.models.refusals import AlreadyTheirs as AlreadyTheirs
from cases.models.refusals import Refusal as Refusal
from cases.models.skill import Return
from cases.models.tag import Tag
from crm.database.prepared import Later, Prepared
from crm.events import record
from crm.models import Event, User
from customers.merging import current
from customers.models import Customer


class Case(models.Model):
    """A request being worked. Its verbs are the only way it changes; each locks the row and records one event."""

    stream = "case"

    class Status(models.TextChoices):
        NEW = "new", _("new")
        OPEN = "open", _("open")
        WAITING_CUSTOMER = "waiting_customer", _("waiting for customer")
        WAITING_INTERNAL = "waiting_internal", _("waiting for us inside")
        RESOLVED = "resolved", _("resolved")
        CLOSED = "closed", _("closed")
        MERGED = "merged", _("merged")
        SPAM = "spam", _("spam")

    class Priority(models.TextChoices):
        LOW = "low", _("low")
        NORMAL = "normal", _("normal")
        HIGH = "high", _("high")
        URGENT = "urgent", _("urgent")

    number = models.BigIntegerField(unique=True, db_default=Func(Value("case_number_seq"), function="nextval"))
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.NEW)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="cases", db_index=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="cases", db_index=False
    )
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="cases", db_index=False)
    issue = models.ForeignKey(Issue, models.PROTECT, null=True, related_name="cases")
    disposition = models.ForeignKey(Disposition, models.PROTECT, null=True, related_name="cases", db_index=False)
    cause = models.ForeignKey(Cause, models.PROTECT, null=True, related_name="cases", db_index=False)
    channel = models.CharField(max_length=40, default="web")
    language = models.CharField(max_length=12, default="en")
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    waiting_since = models.DateTimeField(null=True)  # since when the customer waits for us
    attention_at = models.DateTimeField(null=True)  # the earliest due of an open promise or a running clock
    promise_due_at = models.DateTimeField(null=True)  # the earliest open promise
    next_due_at = models.DateTimeField(null=True)  # the earliest running clock
    open_tasks = models.PositiveSmallIntegerField(default=0)
    task_due_at = models.DateTimeField(null=True)  # the earliest open task
    snoozed_until = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    preview = models.CharField(max_length=160, blank=True)  # the last message's first words
    preview_direction = models.CharField(max_length=10, blank=True)
    last_message_at = models.DateTimeField(null=True)
    send_state = models.CharField(max_length=12, blank=True)  # of the latest reply on its way: sending, failed, unknown
    send_reason = models.CharField(max_length=60, blank=True, default="", db_default="")  # and why, an enumerated word
    need_met_event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="+", db_index=False)
    silent_since = models.DateTimeField(null=True)  # our answer left: from here on silence may say that it helped
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    version = models.BigIntegerField(default=0)
    source = models.CharField(max_length=40, default="", blank=True)
    external_id = models.CharField(max_length=200, null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="case_external_once"),
            models.CheckConstraint(
                condition=~models.Q(status="resolved") | models.Q(resolved_at__isnull=False),
                name="case_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(need_met_event=None) | ~models.Q(status__in=[transitions.SPAM, transitions.MERGED]),
                name="case_need_met_where_it_lives",
            ),
        ]
        indexes = [*INDEXES, SILENT]
        triggers = [MET_BY_ITS_OWN_EVENT]

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}"

    def get_status_display(self) -> str:  # type: ignore[no-redef] # the stub's own is Django's
        """The status in words. Django's own hashes every choice for each case of a list."""
        return str(_STATUSES.get(self.status, self.status))

    def get_priority_display(self) -> str:  # type: ignore[no-redef]
        return str(_PRIORITIES.get(self.priority, self.priority))

    @property
    def is_active(self) -> bool:
        return self.status in transitions.ACTIVE

    @property
    def is_snoozed(self) -> bool:
        return self.snoozed_until is not None and self.snoozed_until > timezone.now()

    # --- whose it is

    @transaction.atomic
    def claim(self, *, by: User, at: datetime | None = None, via: str = "person") -> None:
        """Take an unassigned case. Two at once: one wins, the other reads who did (AlreadyClaimed)."""
        self.lock()
        if self.assignee_id == by.pk:
            return
        if self.assignee is not None:
            raise AlreadyClaimed(self.assignee)
        self._must_be_active()
        self._set_assignee(by)
        self.record("claimed", by=by, at=at, via=via, assignee=by.pk)

    @transaction.atomic
    def assign(self, to: User, *, by: User | None, at: datetime | None = None, via: str = "person", **why: Any) -> None:
        """Give the case to a person who works in its queue; `why` they and nobody else goes into the event."""
        self.lock()
        if self.assignee_id == to.pk:
            return
        self._must_be_active()
        if not Queue.objects.visible_to(to).filter(pk=self.queue_id).exists():
            raise Refusal(gettext("%(name)s does not work in %(queue)s.") % {"name": to.name, "queue": self.queue.name})
        was = self.assignee_id
        self._set_assignee(to)
        self.record("assigned", by=by, at=at, via=via, assignee=to.pk, was=was, **why)

    @transaction.atomic
    def release(
        self, *, by: User | None, at: datetime | None = None, via: str = "person", reason: str = "", **why: Any
    ) -> None:
        """Put the case back for anyone in the queue."""
        self.lock()
        if self.assignee_id is None:
            return
        was = self.assignee_id
        self._set_assignee(None)
        self.record("released", by=by, at=at, via=via, reason=reason, was=was, **why)

    @transaction.atomic
    def transfer(
        self, queue: Queue, *, by: User | None, at: datetime | None = None, via: str = "person", **why: Any
    ) -> None:
        """Move the case to another queue; it keeps its owner only if they work there too."""
        self.lock()
        if self.queue_id == queue.pk:
            return
        self._must_be_active()
        was, self.queue = self.queue_id, queue
        if self.assignee_id and not QueueMembership.objects.filter(queue=queue, user=self.assignee_id).exists():
            why["had"], self.assignee = self.assignee_id, None
        self.save(update_fields=["queue", "assignee"])
        self.record("transferred", by=by, at=at, via=via, queue=queue.pk, was=was, assignee=self.assignee_id, **why)

    @transaction.atomic
    def set_customer(self, to: Customer, *, by: User, at: datetime | None = None, via: str = "person") -> bool:
        """Say whose a case of nobody is; whether that was news. Another's stays theirs (AlreadyTheirs)."""
        self.lock()
        theirs = current(Customer.objects.get(pk=to.pk))
        if self.customer is not None and current(self.customer).pk == theirs.pk:
            return False
        if self.customer is not None:
            raise AlreadyTheirs(self.customer)
        self._must_live()
        if theirs.erased_at:
            raise Refusal(gettext("This customer’s data was erased."))
        self.customer, self.issue = theirs, Issue.objects.create(customer=theirs, opened_at=self.opened_at)
        self.save(update_fields=["customer", "issue"])
        self.contacts.filter(customer=None).update(customer=theirs, issue=self.issue)
        self.record("customer_set", by=by, at=at, via=via, customer=theirs.pk)
        return True

    # --- where it stands

    @transaction.atomic
    def change_status(
        self,
        status: str,
        *,
        by: User | None,
        at: datetime | None = None,
        via: str = "person",
        reason: str = "",
        follows: bool = False,
        **more: Any,
    ) -> None:
        """The only way a status changes: along the transition table, returning quietly if already so. Raises FieldsMissing
        where somebody wants it and fields are empty that it asks for; not where it only `follows` from something done."""
        self.lock()
        if self.status == status:
            return
        if not transitions.allowed(self.status, status):
            wanted = dict(self.Status.choices).get(status, status)
            raise Refusal(
                gettext("A case that is %(now)s cannot become %(wanted)s.")
                % {"now": self.get_status_display(), "wanted": wanted}
            )
        if by is not None and not follows and via != "import":
            must_be_ready(self, status)
        now = at or timezone.now()
        was, self.status = self.status, status
        self._keep_times(was, now)
        if status not in transitions.ACTIVE:
            self.contacts.filter(ended_at=None).update(ended_at=now)
        self.save(
            update_fields=["status", "resolved_at", "closed_at", "waiting_since", "snoozed_until", "need_met_event"]
        )
        went_on = "reopened" if was in {transitions.RESOLVED, transitions.SPAM} else "status_changed"
        ends = {"resolved": "resolved", "closed": "closed", "spam": "marked_spam", "merged": "merged"}
        kind = ends.get(status, went_on)
        self.record(kind, by=by, at=now, via=via, reason=reason, status=status, was=was, **ended(self), **more)

    def _keep_times(self, was: str, now: datetime) -> None:
        if self.status == transitions.RESOLVED:
            self.resolved_at = now
        if self.status == transitions.CLOSED:
            self.closed_at = now
        if self.status not in {transitions.NEW, transitions.OPEN}:
            self.waiting_since = None
        elif was not in transitions.ACTIVE:
            self.waiting_since, self.resolved_at = now, None
            self.need_met_event = None  # a reopened need is not met
        if self.status in {transitions.SPAM, transitions.MERGED}:
            self.need_met_event = None  # nor is one that was none, or that lives on elsewhere
        if self.status not in transitions.ACTIVE:
            self.snoozed_until = None

    def resolve(self, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
        self.change_status(transitions.RESOLVED, by=by, at=at, via=via)

    def reopen(self, *, by: User | None, at: datetime | None = None, via: str = "person", reason: str = "") -> None:
        self.change_status(transitions.OPEN, by=by, at=at, via=via, reason=reason)

    # --- whether what the customer needed is done

    @transaction.atomic
    def mark_need_met(
        self, *, by: User | None, how: str, at: datetime | None = None, via: str = "person", **evidence: Any
    ) -> None:
        """The customer has what they came for; `how` says how we know (HOW), and `evidence` by what. Quiet if it is met
        already."""
        self.lock()
        if how not in HOW:
            raise Refusal(gettext("Say how we know: one of %(ways)s.") % {"ways": ", ".join(HOW)})
        self._must_live()
        if self.need_met_event_id is not None:
            return
        self.need_met_event = self.record("need_met", by=by, at=at, via=via, how=how, **evidence)
        self.silent_since = None
        self.save(update_fields=["need_met_event", "silent_since"])

    @transaction.atomic
    def mark_need_unmet(
        self, *, by: User | None, at: datetime | None = None, via: str = "person", reason: str = ""
    ) -> None:
        """It proved not to be done."""
        self.lock()
        if self.need_met_event_id is None:
            return
        was, self.need_met_event = self.need_met_event_id, None
        self.save(update_fields=["need_met_event"])
        self.record("need_unmet", by=by, at=at, via=via, reason=reason, was=was)

    @transaction.atomic
    def snooze(
        self, until: datetime, *, by: User | None, at: datetime | None = None, via: str = "person", **why: Any
    ) -> None:
        """Hide the case from the working views until then, or until the customer writes."""
        self.lock()
        self._must_be_active()
        if until <= (at or timezone.now()):
            raise Refusal(gettext("Choose a time in the future."))
        if self.snoozed_until == until:
            return
        self.snoozed_until = until
        self.save(update_fields=["snoozed_until"])
        self.record("snoozed", by=by, at=at, via=via, until=until.isoformat(), **why)

    @transaction.atomic
    def wake(self, *, by: User | None, at: datetime | None = None, via: str = "person", reason: str = "") -> None:
        self.lock()
        if self.snoozed_until is None:
            return
        self.snoozed_until = None
        self.save(update_fields=["snoozed_until"])
        self.record("woken", by=by, at=at, via=via, reason=reason)

    # --- how it is described

    @transaction.atomic
    def set_priority(
        self, priority: str, *, by: User | None, at: datetime | None = None, via: str = "person", **why: Any
    ) -> None:
        self.lock()
        if priority not in self.Priority.values:
            raise Refusal(gettext("There is no such priority."))
        if self.priority == priority:
            return
        was, self.priority = self.priority, priority
        self.save(update_fields=["priority"])
        self.record("priority_changed", by=by, at=at, via=via, priority=priority, was=was, **why)

    @transaction.atomic
    def set_tags(
        self, tags: list[str], *, by: User | None, at: datetime | None = None, via: str = "person", **why: Any
    ) -> None:
        """Tags are free text of people, so the event says how many, and the row says which."""
        self.lock()
        wanted = Tag.objects.known(tags)
        if sorted(self.tags) == wanted:
            return
        self.tags = wanted
        self.save(update_fields=["tags"])
        self.record("tagged", by=by, at=at, via=via, count=len(wanted), **why)

    # --- how verbs work

    def lock(self) -> None:
        """Read this row afresh under its lock, and its customer with it. Order everywhere: customer, case, message."""
        self.locking()()

    def locking(self) -> Later[None]:
        """The same where other questions travel with it (crm.database.prepared.together)."""
        if not transaction.get_connection().in_atomic_block:
            none = "a lock is held until the end of a transaction, and there is none"
            raise transaction.TransactionManagementError(none)
        rows = _LOCKED.later(self.pk)
        return lambda: renew(self, rows())

    def record(
        self,
        kind: str,
        *,
        by: User | None,
        at: datetime | None = None,
        via: str = "person",
        reason: str = "",
        **data: Any,
    ) -> Event:
        """Write one event and let clocks, its owner's part and who is told follow it, in the same transaction."""
        event = record(self, kind, by=by, at=at, via=via, reason=reason, **data)
        Clock.objects.follow(self, event)
        Return.objects.follow(self, event)
        Notification.objects.follow(self, event)
        return event

    def _set_assignee(self, user: User | None) -> None:
        self.assignee = user
        self.save(update_fields=["assignee"])

    def _must_live(self) -> None:
        if self.status in {transitions.SPAM, transitions.MERGED}:
            self._must_be_active()

    def _must_be_active(self) -> None:
        if not self.is_active:
            raise Refusal(
                gettext("Case #%(number)s is %(status)s.")
                % {"number": self.number, "status": self.get_status_display()}
            )


def lock_all(*cases: Case) -> None:
    """Several at once, in one order, whoever is what to whom."""
    for case in sorted(cases, key=lambda case: case.pk):
        case.lock()


_LOCKED = Prepared(
    lambda pk: Case.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).select_related("customer"), int
)
_STATUSES, _PRIORITIES = dict(Case.Status.choices), dict(Case.Priority.choices)
