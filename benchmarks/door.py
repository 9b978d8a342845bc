"""The signed door of a channel under load: a desk's pace open loop, and as fast as its clients get their answers."""

import http.client
import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from benchmarks import data
from benchmarks.stage import percentile, spread
from tests import processes

RATE = 12.5  # messages a second: what a desk of 50 does in all
CLIENTS = 8
CUSTOMERS = 20_000
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "crm.settings",
    "DEBUG": "0",
    "SSL_REDIRECT": "0",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "LOG_LEVEL": "ERROR",
    "PUBLIC_URL": "https://bench.example",
}
# Each has a domain of their own: a whole house writing at once is not how customers come.
APART = """
UPDATE customers_contactpoint SET value = 'c' || customer_id || '@house' || customer_id || '.example',
    display = 'c' || customer_id || '@house' || customer_id || '.example'
"""


def address(customer: int) -> str:
    return f"c{customer}@house{customer}.example"


@dataclass
class Door:
    """Where it is, the secret it opens with, and who writes next."""

    port: int
    secret: str
    customers: list[int]
    turns: Any = field(default_factory=itertools.count)

    def warm_up(self) -> None:
        self.at_pace(2.0)

    def at_pace(self, seconds: float) -> list[float]:
        """Messages at their intended moments, whether or not the earlier ones are answered; ms from those moments."""
        many, began = int(seconds * RATE), time.monotonic() + 0.1

        def client(k: int) -> list[float]:
            took, line = [], self._line()
            for n in range(k, many, CLIENTS):
                intended = began + n / RATE
                time.sleep(max(0.0, intended - time.monotonic()))
                self._say(line)
                took.append((time.monotonic() - intended) * 1000)
            line.close()
            return took

        return [ms for took in _beside_each_other(client) for ms in took]

    def as_fast_as_it_goes(self, seconds: float) -> float:
        """Answers a second, while every client writes again as soon as it was answered."""
        began = time.monotonic()
        until = began + seconds

        def client(_k: int) -> int:
            said, line = 0, self._line()
            while time.monotonic() < until:
                self._say(line)
                said += 1
            line.close()
            return said

        said = sum(_beside_each_other(client))
        return said / (time.monotonic() - began)

    def _line(self) -> http.client.HTTPConnection:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        line.connect()
        return line

    def _say(self, line: http.client.HTTPConnection) -> None:
        turn = next(self.turns)
        body, at = self.document(turn), timezone.now()
        signature = Webhook(self.secret).sign(f"bench-{turn}", at, body)
        head = {
            "webhook-id": f"bench-{turn}",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
            "content-type": "application/json",
        }
        line.request("POST", "/api/inbound/bench/", body, head)
        answer = line.getresponse()
        told = answer.read()
        assert answer.status == 201, f"HTTP {answer.status}: {told[:200]!r}"

    def document(self, turn: int) -> str:
        """What a customer says, each time another one."""
        customer = self.customers[turn % len(self.customers)]
        return json.dumps(
            {
                "from": {
                    "kind": "email",
                    "value": address(customer),
                    "name": f"Customer {customer}",
                },
                "subject": f"Double charge on invoice {turn}",
                "text": f"You took it twice from my account, number {turn}, please look at it. " * 4,
                "language": "en",
            }
        )


def _beside_each_other(client: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(client, range(CLIENTS)))


def opened(stack: ExitStack, queue: Any) -> Door:
    from cases.models import Channel
    from customers.models import Customer

    data.customers(CUSTOMERS)
    data.sql(APART)
    secret = Channel.objects.create(slug="bench", name="Bench", queue=queue).add_secret()
    web = stack.enter_context(processes.web(SECRET_KEY=settings.SECRET_KEY, **PRODUCTION))
    return Door(web.port, secret, list(Customer.objects.order_by("pk").values_list("pk", flat=True)))


def figures(found: dict[str, list[Any]]) -> list[dict[str, Any]]:
    told = []
    for label, share in SHARES.items():
        ours = spread([percentile(window, share) for window in found["door"]], 2)
        floor = spread([percentile(window, share) for window in found["door_floor"]], 2)
        figure = {"metric": f"door, {RATE:g}/s, {label}", "unit": "ms", "ours": ours, "floor": floor}
        if label == "p95":
            figure |= {"target": "≤ 15 ms", "met": ours["median"] <= 15}
        told.append(figure)
    ours, floor = spread(found["door_rate"]), spread(found["door_floor_rate"])
    metric = f"door, as fast as {CLIENTS} clients get answers"
    return [*told, {"metric": metric, "unit": "messages/s", "ours": ours, "floor": floor}]
