"""What a web process does when it starts and before it stops. Parts register; crm.asgi runs them."""

from collections.abc import Awaitable, Callable

Step = Callable[[], Awaitable[None]]
# Run on the event loop once it serves; each should return at once (start a task for anything long).
starting: list[Step] = []
# Run on SIGTERM before the server closes its sockets, within a second: say good-bye to whoever is connected.
draining: list[Step] = []
