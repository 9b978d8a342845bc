"""Who we serve, how to reach them, what they have, and what they agreed to."""

from customers.models.consent import Consent, Suppression
from customers.models.contact_point import ContactPoint
from customers.models.customer import Customer, NameWord, Organization
from customers.models.holdings import Order, Product, Subscription
from customers.models.merge import Merge, MergedRows
from customers.models.segment import Segment, SegmentMark, SegmentMember, SegmentTurn, SegmentVersion, Touched

__all__ = [
    "Consent",
    "ContactPoint",
    "Customer",
    "Merge",
    "MergedRows",
    "NameWord",
    "Order",
    "Organization",
    "Product",
    "Segment",
    "SegmentMark",
    "SegmentMember",
    "SegmentTurn",
    "SegmentVersion",
    "Subscription",
    "Suppression",
    "Touched",
]
