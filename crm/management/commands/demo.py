import random
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.utils import timezone

from cases.models import Queue
from crm.management.demo import (
    colleagues,
    company,
    customers,
    describing,
    floor,
    history,
    macros,
    offers,
    policies,
    replies,
    rules,
    segments,
)
from crm.management.demo.traffic import keep_arriving

CUSTOMERS, CASES = 2000, 1500


class Command(BaseCommand):
    help = "Sets up the demo company, Brightwave (once); with --traffic, keeps contacts arriving."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--traffic", action="store_true", help="keep contacts arriving until Ctrl-C")
        parser.add_argument("--every", type=float, default=8.0, help="seconds between contacts, on average")
        parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same company")

    def handle(self, *args: Any, traffic: bool, every: float, seed: int, **options: Any) -> None:
        self._found(seed)
        if traffic:
            self._traffic(every)

    def _found(self, seed: int) -> None:
        started = time.monotonic()
        with transaction.atomic():
            _one_at_a_time()
            if Queue.objects.filter(source="demo").exists():
                self.stdout.write("The demo company is already here.")
                return
            rng, now = random.Random(seed), timezone.now()  # noqa: S311 - a demo, not a secret
            brightwave = company.found(rng)
            people = customers.populate(CUSTOMERS, rng, now)
            for ours in (offers, segments):
                ours.publish(brightwave.users["sue"])
            policies.set_up(brightwave)
            for written in (replies, macros):
                written.save(brightwave, random.Random(seed))  # noqa: S311
            cases = history.live_through(brightwave, people, CASES, rng, now)
            describing.ask(brightwave, cases, random.Random(seed), now)  # noqa: S311
            colleagues.speak(brightwave.users)
            rules.set_up(brightwave)
            floor.open_up(brightwave, random.Random(seed), timezone.now())  # noqa: S311
        took = time.monotonic() - started
        self.stdout.write(f"Brightwave is set up: {len(people)} customers, {len(cases)} cases, in {took:.1f} s.")

    def _traffic(self, every: float) -> None:
        if every <= 0:
            self.stderr.write("--every takes a number of seconds above 0.")
            return
        self.stdout.write("Contacts are arriving. Ctrl-C ends it.")
        try:
            keep_arriving(every, random.Random(), self.stdout.write)  # noqa: S311
        except KeyboardInterrupt:
            self.stdout.write("No more contacts.")


def _one_at_a_time() -> None:
    """Two that start at once: the second waits, then finds the company there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('forefront demo'))")
