"""A worker group: one of the processes `serve` supervises."""

from typing import Any

from django.core.management.base import BaseCommand

from crm import workers


class Command(BaseCommand):
    help = "Run a worker group. `serve` starts it; run it alone on a machine without web."

    def handle(self, *args: Any, **options: Any) -> None:
        workers.run()
