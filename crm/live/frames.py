"""Putting fragments into messages: each topic's part is made once, each combination of topics joined once."""

from collections.abc import Iterable, Mapping

from crm.live.sockets import Socket
from crm.live.wire import Packet

LARGEST = 200_000  # bytes of events in one message
Feed = tuple[str, str]  # topic, language
Parts = Mapping[Feed, list[bytes]]


def split(chunks: Iterable[bytes]) -> list[list[bytes]]:
    """Cut into runs of at most LARGEST bytes (a single larger one goes alone)."""
    runs: list[list[bytes]] = [[]]
    size = 0
    for chunk in chunks:
        if runs[-1] and size + len(chunk) > LARGEST:
            runs.append([])
            size = 0
        runs[-1].append(chunk)
        size += len(chunk)
    return runs


def packets(chunks: Iterable[bytes], before: str, after: str) -> list[Packet]:
    """Messages with these events. Only the last one moves the cursor: who loses it in the middle asks again."""
    runs = split(chunks)
    last = len(runs) - 1
    return [_packet(run, after if i == last else before) for i, run in enumerate(runs)]


def _packet(chunks: list[bytes], cursor: str) -> Packet:
    return Packet(b'{"cursor":"%s","events":[%s]}' % (cursor.encode(), b",".join(chunks)))


def deliver(parts: Parts, watchers: Mapping[Feed, set[Socket]], before: str, after: str) -> None:
    """Write each socket one message with all that concerns it; sockets with the same topics share the bytes."""
    touched = {feed: watchers[feed] for feed in parts if feed in watchers}
    if len(touched) == 1:
        ((feed, sockets),) = touched.items()
        _write(packets(parts[feed], before, after), sockets)
        return
    combined: dict[Socket, tuple[Feed, ...]] = {}
    for feed, sockets in touched.items():
        for socket in sockets:
            combined[socket] = (*combined.get(socket, ()), feed)
    made: dict[tuple[Feed, ...], list[Packet]] = {}
    for socket, feeds in combined.items():
        if feeds not in made:
            made[feeds] = packets((chunk for feed in feeds for chunk in parts[feed]), before, after)
        _write(made[feeds], (socket,))


def _write(messages: list[Packet], sockets: Iterable[Socket]) -> None:
    for socket in list(sockets):
        for message in messages:
            socket.write(message)
