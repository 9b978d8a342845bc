"""The send loop of picows, a WebSocket server in Cython: the ceiling beside which ours stands.
`python -m benchmarks.floor_picows PORT`, orders as in benchmarks.floors."""

import asyncio
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.floors import messages

_transports: set[WSTransport] = set()
_broadcasts: set[asyncio.Task[None]] = set()


class Reader(WSListener):  # type: ignore[misc]
    def on_ws_connected(self, transport: WSTransport) -> None:
        _transports.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        _transports.discard(transport)


class Control(WSListener):  # type: ignore[misc]
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            task = asyncio.get_running_loop().create_task(broadcast(frame.get_payload_as_utf8_text()))
            _broadcasts.add(task)
            task.add_done_callback(_broadcasts.discard)


async def broadcast(order: str) -> None:
    for text in messages(order):
        data = text.encode()
        for transport in list(_transports):
            transport.send(WSMsgType.TEXT, data)
        await asyncio.sleep(0)


def choose(asked: WSUpgradeRequest) -> WSListener:
    return Control() if asked.path == b"/control" else Reader()


async def serve(port: int) -> None:
    server = await ws_create_server(choose, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
