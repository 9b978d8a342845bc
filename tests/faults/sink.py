"""A mail server that remembers what it took, from whom and when, and can end the sender at any point of the talk."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller

from tests.processes import free_port


@dataclass
class Taken:
    """One mail the server has accepted, whatever its sender came to know of that."""

    message_id: str
    to: str
    at: float
    port: int


@dataclass
class Sink:
    """Doors on several ports, one a sender; `at(point, port)` is called at "mail" and "taken", before the answer."""

    taken: list[Taken] = field(default_factory=list)
    at: Callable[[str, int], None] = lambda _point, _port: None
    slow: float = 0.0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def addresses(self) -> list[str]:
        return [mail.to for mail in self.taken]


class _Handler:
    def __init__(self, sink: Sink, port: int) -> None:
        self.sink, self.port = sink, port

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.sink.at("mail", self.port)
        envelope.mail_from = address
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content)
        if self.sink.slow:
            time.sleep(self.sink.slow)
        with self.sink.guard:
            self.sink.taken.append(Taken(str(mail["Message-ID"]), envelope.rcpt_tos[0], time.time(), self.port))
        self.sink.at("taken", self.port)
        return "250 taken"


@contextmanager
def sinks(doors: int) -> Iterator[tuple[Sink, list[int]]]:
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every word of the talk
    sink = Sink()
    ports = [free_port() for _door in range(doors)]
    controllers = [Controller(_Handler(sink, port), hostname="127.0.0.1", port=port) for port in ports]
    for controller in controllers:
        controller.start()
    try:
        yield sink, ports
    finally:
        for controller in controllers:
            controller.stop()
