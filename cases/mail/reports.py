"""Delivery reports (RFC 3464): which recipient a mail did not reach, and why."""

from cases.mail import attached, headers, words
from cases.mail.headers import Block
from cases.mail.parsed import Report
from cases.mail.structure import Mail, Part

MOST = 100
_LONGEST = 500
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_ORIGINALS = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
_STATUSES = frozenset({"message/delivery-status", "message/global-delivery-status"})


def read(mail: Mail) -> tuple[Report, ...]:
    """One for each recipient that a report names; none for a mail that is no report."""
    leaves = list(mail.root.leaves())
    statuses = [leaf for leaf in leaves if leaf.kind in _STATUSES]
    if not statuses:
        return ()
    original = _original_id(mail, [leaf for leaf in leaves if leaf.kind in _ORIGINALS])
    found = [_report(group, original) for status in statuses for group in _groups(attached.content(mail, status)[0])]
    return tuple(report for report in found if report)[:MOST]


def _groups(text: bytes) -> list[Block]:
    """The blocks of fields, which empty lines divide; the first is about the mail, each other about a recipient."""
    groups: list[Block] = []
    at = 0
    while at < len(text) and len(groups) <= MOST:
        block = headers.read(text, at)
        if block.end <= at:
            break
        groups.append(block)
        at = block.end
    return groups


def _report(group: Block, original: str) -> Report | None:
    recipient = _typed(group.first("final-recipient")) or _typed(group.first("original-recipient"))
    action = words.unfold(group.first("action")).lower()
    if not recipient or action not in _ACTIONS:
        return None
    status = words.unfold(group.first("status")).split(" ")[0][:20]
    return Report(recipient[:320], action, status, _typed(group.first("diagnostic-code"))[:_LONGEST], original)


def _typed(value: bytes) -> str:
    """`rfc822; somebody@example.com` without the type."""
    text = words.read(value)
    before, semicolon, after = text.partition(";")
    return (after if semicolon else before).strip().strip("<>")


def _original_id(mail: Mail, originals: list[Part]) -> str:
    for part in originals:
        block = headers.read(attached.content(mail, part)[0], 0)
        if found := headers.message_id(block.all("message-id")):
            return found
    return ""
