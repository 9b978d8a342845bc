"""The one table of a case's statuses: what may follow what (product A1). Everything else is refused."""

NEW, OPEN = "new", "open"
WAITING_CUSTOMER, WAITING_INTERNAL = "waiting_customer", "waiting_internal"
RESOLVED, CLOSED, MERGED, SPAM = "resolved", "closed", "merged", "spam"

WORKING = (OPEN, WAITING_CUSTOMER, WAITING_INTERNAL)
ACTIVE = (NEW, *WORKING)
FINAL = (CLOSED, MERGED)

TRANSITIONS: dict[str, frozenset[str]] = {
    # An answer may be the first thing that happens to a new case, and may resolve it at once.
    NEW: frozenset({OPEN, WAITING_CUSTOMER, WAITING_INTERNAL, RESOLVED, SPAM, MERGED}),
    OPEN: frozenset({WAITING_CUSTOMER, WAITING_INTERNAL, RESOLVED, MERGED, SPAM}),
    WAITING_CUSTOMER: frozenset({OPEN, WAITING_INTERNAL, RESOLVED, MERGED, SPAM}),
    WAITING_INTERNAL: frozenset({OPEN, WAITING_CUSTOMER, RESOLVED, MERGED, SPAM}),
    RESOLVED: frozenset({OPEN, CLOSED}),
    CLOSED: frozenset(),
    MERGED: frozenset(),
    SPAM: frozenset({OPEN}),
}


def allowed(current: str, wanted: str) -> bool:
    return wanted in TRANSITIONS.get(current, frozenset())
