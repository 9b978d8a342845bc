"""The commands of tests/cases/commands.py that are given from the board."""

from cases.models import QueueMembership
from tests.cases.before import World, with_lee
from tests.cases.registry import command


def leads(w: World) -> None:
    """Ana leads, and Lee has it."""
    QueueMembership.objects.filter(queue=w.billing, user=w.ana).update(role="lead")
    with_lee(w)


@command("assigned", before=leads, routes="queues/<int:pk>/leveling/ api/queues/<int:pk>/leveling/")
def _level(w: World) -> None:
    moves = {"moves": [f"{w.case.number}:{w.lee.pk}:{w.sue.pk}"]}
    w.clients[w.ana.pk].post(f"/queues/{w.billing.pk}/leveling/", moves)


@command("released", before=leads)
def _give_back_for_level(w: World) -> None:
    moves = {"moves": [f"{w.case.number}:{w.lee.pk}:"]}
    w.clients[w.ana.pk].post(f"/queues/{w.billing.pk}/leveling/", moves)
