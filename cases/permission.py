"""Whether a message may leave. Asked when its dispatch is made, and again, for whole batches, when it is claimed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from cases.hooks import Verdict, may_leave
from cases.models import Dispatch
from crm.database.prepared import kept
from customers import consent
from customers.models import Consent, ContactPoint, Customer

# What a message class needs of the customer: None, nothing but that the address is not suppressed.
CONSENT_NEEDED: dict[str, str | None] = {
    "answer": None,
    "acknowledgement": None,
    "promise": None,
    "side": None,  # to somebody who is no customer
    "digest": None,  # to people who work here, about their own work
    "notice": "service",
    "advice": "advice",
    "marketing": "marketing",
    "research": "research",
}
# What many people get at once: sent beside answers, never before them, and with a way to stop it (RFC 8058).
MASS = frozenset(name for name, purpose in CONSENT_NEEDED.items() if purpose)
UNDECIDED = timedelta(seconds=30)  # when one who has a say cannot answer, this is when they are asked again
YES = Verdict(True)
Address = tuple[str, str]  # kind of contact point, its value


def may_contact(
    customer: Customer | None,
    message_class: str,
    contact_point: ContactPoint | None,
    at: datetime,
    *,
    channel: str = "mail",
) -> Verdict:
    """Ask before anything leaves: known class, customer not erased, address not suppressed, consent where needed.

    An answer to what a person asked needs no consent; service notices go unless refused; everything else needs a yes.
    """
    addresses = [(contact_point.kind, contact_point.value)] if contact_point else []
    suppressed = _suppressed(addresses)

    def said(purpose: str) -> bool | None:
        return consent.state(customer, purpose, channel, at) if customer else None

    return _verdict(customer, message_class, addresses, suppressed, said)


def judge(rows: Sequence[Dispatch], now: datetime) -> dict[UUID, Verdict]:
    """The same for many dispatches (with customer and contact point read), by their keys, in two queries however many."""
    suppressed = _suppressed([address for row in rows for address in _addresses(row)])
    statements = _statements(rows, now)
    return {row.key: _judged(row, suppressed, statements, now) for row in rows}


def judge_leaving(rows: Sequence[Dispatch], now: datetime) -> dict[UUID, Verdict]:
    """In the moment they are claimed: of what goes to many at once the `may_leave` hook is asked too."""
    found = judge(rows, now)
    mass = {row.pk: row for row in rows if row.message_class in MASS and found[row.key].allowed}
    said = _asked(list(mass.values()), now) if mass else {}
    return found | {mass[pk].key: verdict for pk, verdict in said.items() if pk in mass}


def _judged(row: Dispatch, suppressed: set[tuple[str, ...]], statements: list[Consent], now: datetime) -> Verdict:
    theirs = [said for said in statements if said.customer_id == row.customer_id]
    return _verdict(
        row.customer,
        row.message_class,
        _addresses(row),
        suppressed,
        lambda purpose: consent.newest(theirs, purpose, row.channel, now),
    )


def _verdict(
    customer: Customer | None,
    message_class: str,
    addresses: Sequence[Address],
    suppressed: set[tuple[str, ...]],
    said: Callable[[str], bool | None],
) -> Verdict:
    if message_class not in CONSENT_NEEDED:
        return Verdict(False, "unknown_class")
    if customer is not None and customer.erased_at:
        return Verdict(False, "erased")
    purpose = CONSENT_NEEDED[message_class]
    if any((*address, scope) in suppressed for address in addresses for scope in {"", purpose or ""}):
        return Verdict(False, "suppressed")
    return YES if purpose is None else _consented(said(purpose), purpose)


def _consented(said: bool | None, purpose: str) -> Verdict:
    if said is False:
        return Verdict(False, "consent_withdrawn")
    return YES if said or purpose == "service" else Verdict(False, "no_consent")


def _addresses(row: Dispatch) -> list[Address]:
    point = row.contact_point
    own = [(point.kind, point.value)] if point else []
    return [*own, (ContactPoint.Kind.EMAIL.value, row.address)] if row.channel == "mail" else own


def _suppressed(addresses: Sequence[Address]) -> set[tuple[str, ...]]:
    if not addresses:
        return set()
    with kept() as cursor:
        kinds, values = {kind for kind, _value in addresses}, {value for _kind, value in addresses}
        cursor.execute(_SUPPRESSED, [list(kinds), list(values)])
        return set(cursor.fetchall())


# The index begins with the kind.
_SUPPRESSED = """
SELECT kind, value, purpose FROM customers_suppression WHERE lifted_at IS NULL AND kind = ANY(%s) AND value = ANY(%s)
"""


def _statements(rows: Sequence[Dispatch], now: datetime) -> list[Consent]:
    asked = {row.customer_id for row in rows if CONSENT_NEEDED.get(row.message_class)}
    needed = Q(customer__in=asked, purpose__in={p for p in CONSENT_NEEDED.values() if p}, at__lte=now)
    return list(Consent.objects.filter(needed)) if asked else []


def _asked(rows: Sequence[Dispatch], now: datetime) -> dict[int, Verdict]:
    """What others say about these; a no wins over a later, and who cannot answer holds everything back."""
    found: dict[int, Verdict] = {}
    for filled in may_leave.run(rows, now):
        undecided = Verdict(False, "undecided", until=now + UNDECIDED)
        said = {row.pk: undecided for row in rows} if filled.failure else filled.value or {}
        for pk, verdict in said.items():
            if not verdict.allowed and (pk not in found or verdict.until is None):
                found[pk] = verdict
    return found
