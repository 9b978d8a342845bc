"""What the customer stream shows to whom. Registered with crm.live when the app starts.

A customer's topic carries no words, only that something changed: the page asks again, and each reader gets what they
may see.
"""

from collections.abc import Collection, Iterator, Sequence

from crm.live import streams, topics
from crm.live.streams import Fragment, Happening
from crm.models import User
from customers.models import Customer


def customer_fragments(events: Sequence[Happening], only: Collection[str] | None) -> Iterator[Fragment]:
    for event in events:
        topic = f"customer.{event.stream_id}"
        yield Fragment(topic, "customer", event.stream_id, "card", event.version, event.kind, every=True)


def may_watch_customer(user: User, pk: str) -> bool:
    return pk.isdigit() and Customer.objects.visible_to(user).filter(pk=int(pk)).exists()


streams.register("customer", fragments=customer_fragments)
topics.register("customer", may_watch=may_watch_customer)
