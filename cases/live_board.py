"""The board's topics: one word that something at a queue moved, at most one a tick. Who shows it asks again (docs/board.md)."""

from cases.models import Queue
from crm.live import topics
from crm.live.streams import Fragment, Happening
from crm.models import User
from crm.roles import may


def moved(queue: int, event: Happening) -> Fragment:
    """Something at this queue is other than it was. Its place in the log is its version: it tells nothing of a case."""
    return Fragment(f"board.{queue}", "board", queue, "board", event.pos, "moved")


def may_watch_board(user: User, pk: str) -> bool:
    return pk.isdigit() and may(user, "board.see", int(pk)) and Queue.objects.visible_to(user).filter(pk=pk).exists()


topics.register("board", may_watch=may_watch_board)
