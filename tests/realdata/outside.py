"""The world around the desk while it works: channels that send and repeat, reps' scripts, a mail server."""

import asyncio
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
from aiosmtpd.controller import Controller

from tests import processes
from tests.channels import signed
from tests.realdata.stories import Story, Turn

LINES = 12  # conversations under way at once
PAUSE = 0.3  # seconds before something is sent again
PATIENCE = 180  # seconds one request may be repeated for, however loaded the machine is
TYPED_WITHIN = 600  # seconds until a rep has come to an answer and typed it


@dataclass(frozen=True)
class Job:
    """An answer that a rep is to type into the console; `done` gets a value when it stands in the thread."""

    case: int
    turn: Turn
    done: "Future[None]" = field(default_factory=Future)


@dataclass
class World:
    """Tells all stories at a steady pace, in a thread of its own; whatever is not acknowledged is sent again."""

    url: str
    slug: str
    secret: str
    tokens: Sequence[str]
    stories: Sequence[Story]
    rate: float  # arrivals a second
    typed: frozenset[str]  # turns that a rep types in the browser
    halfway: Callable[[], None]

    jobs: "queue.Queue[Job]" = field(default_factory=queue.Queue)
    cases: dict[tuple[str, str], int] = field(default_factory=dict)  # story and person → case number
    sent: dict[str, float] = field(default_factory=dict)  # turn → Unix time at which it was first sent
    arrived: int = 0
    again: int = 0
    repeated: int = 0
    broken: int = 0
    error: BaseException | None = None
    seconds: float = 0.0
    killed: tuple[int, float] | None = None  # after how many arrivals, and when by the monotonic clock
    back: float = 0.0  # seconds from then until a request that began later was answered
    stop: Callable[[], object] = lambda: None

    @property
    def arrivals(self) -> int:
        return sum(bool(turn.who) for story in self.stories for turn in story.turns)

    @contextmanager
    def turning(self) -> Iterator["World"]:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        try:
            yield self
        finally:
            with suppress(RuntimeError):  # it is over already
                self.stop()
            self.thread.join(10)

    @property
    def over(self) -> bool:
        return not self.thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            asyncio.run(self._all())
        except BaseException as error:  # noqa: BLE001 - raised again where the test can see it
            self.error = error
        self.seconds = time.monotonic() - began

    async def _all(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        self.stop = lambda: task and loop.call_soon_threadsafe(task.cancel)
        self.due = time.monotonic()
        waiting = iter(self.stories)
        self.client = httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False)
        async with self.client, asyncio.TaskGroup() as lines:
            for _line in range(LINES):
                lines.create_task(self._line(waiting))

    async def _line(self, waiting: Iterator[Story]) -> None:
        for story in waiting:
            for n, turn in enumerate(story.turns):
                await (self._arrive(story, turn) if turn.who else self._answer(story, turn, n))

    # --- a customer writes

    async def _arrive(self, story: Story, turn: Turn) -> None:
        await self._pace()
        body = {
            "thread": story.name,
            "from": {"name": turn.who, **turn.address},
            "text": turn.text,
            "language": "en",
        }
        raw = json.dumps(body).encode()
        self.sent[turn.id] = time.time()
        number = (await self._deliver(turn, raw))["case"]
        assert self.cases.setdefault(story.case_of(turn), number) == number, f"{turn.id} went astray"
        self.arrived += 1
        if self.arrived == self.arrivals // 2:
            self.halfway()
            self.killed = self.arrived, time.monotonic()
        if self.arrived % 10 == 0:  # a sender that did not hear us
            self.again += 1
            assert (await self._deliver(turn, raw))["status"] == "duplicate"

    async def _pace(self) -> None:
        self.due = max(self.due + 1 / self.rate, time.monotonic() - 1)
        await asyncio.sleep(max(0, self.due - time.monotonic()))

    async def _deliver(self, turn: Turn, raw: bytes) -> dict[str, Any]:
        def request() -> dict[str, str]:
            return signed(self.secret, raw, webhook_id=turn.id) | {"content-type": "application/json"}

        return await self._until_taken(f"/api/inbound/{self.slug}/", raw, request)

    async def _until_taken(self, path: str, raw: bytes, headers: Callable[[], dict[str, str]]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            began = time.monotonic()
            try:
                response = await self.client.post(path, content=raw, headers=headers())
                self._note(began)
                if response.status_code in {200, 201}:
                    return dict(response.json())
                assert response.status_code in {202, 409} or response.status_code >= 500, response.text
                self.repeated += 1
            except httpx.TransportError:
                self.broken += 1
            assert time.monotonic() < deadline, f"nobody took {path}"
            await asyncio.sleep(PAUSE)

    def _note(self, began: float) -> None:
        """Somebody answers again."""
        if self.killed and not self.back and began > self.killed[1]:
            self.back = time.monotonic() - self.killed[1]

    # --- a rep answers

    async def _answer(self, story: Story, turn: Turn, n: int) -> None:
        number = self.cases[story.case_of(turn)]
        if turn.id in self.typed:
            job = Job(number, turn)
            self.jobs.put(job)
            await asyncio.wait_for(asyncio.wrap_future(job.done), TYPED_WITHIN)
            return
        raw = json.dumps({"direction": "outbound", "text": turn.text}).encode()
        headers = {
            "authorization": f"Bearer {self.tokens[n % len(self.tokens)]}",
            "idempotency-key": turn.id,
            "content-type": "application/json",
        }
        await self._until_taken(f"/api/cases/{number}/messages/", raw, lambda: headers)


# --- a mail server


@dataclass
class Post:
    """A mail server on this machine and what it took in."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@contextmanager
def post_office() -> Iterator[Post]:
    office = Post(processes.free_port())
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # it tells every line of every mail
    controller = Controller(office, hostname="127.0.0.1", port=office.port, ready_timeout=30)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()
