"""What stays covered: executives see names and conversations, not how to reach people or what they pay (product K1)."""

from crm.roles import TABLE, roles_of

CONTACT_POINTS = "contact_points"
PAYMENT = "payment"
_VERBS = {CONTACT_POINTS: "customer.contact_points", PAYMENT: "customer.payment"}


def masked_fields(user: object) -> frozenset[str]:
    """The groups of fields this person never receives, in any form: page, JSON, event, export, log."""
    held = roles_of(user)
    return frozenset(field for field, verb in _VERBS.items() if not TABLE[verb] & held)
