"""A console's screen without a browser: a page parsed into a small tree, and what static/js/console does with what the
hub sends. It follows list.js, thread.js, place.js and link.js rule by rule, and live/versions.js for what is news."""

import re
from collections.abc import Iterator
from copy import deepcopy
from html.parser import HTMLParser
from typing import Any

VOID = {"area", "br", "hr", "img", "input", "link", "meta"}
ACTIVE = {"new", "open", "waiting_customer", "waiting_internal"}
INFINITY = float("inf")


class Node:
    """An element: its attributes, and its children in order (elements and texts)."""

    def __init__(self, tag: str, attrs: dict[str, str]) -> None:
        self.tag, self.attrs = tag, attrs
        self.children: list[Node | str] = []

    def data(self, name: str) -> str:
        return self.attrs.get(f"data-{name}", "")

    def has(self, name: str) -> bool:
        """Whether it has this class."""
        return name in self.attrs.get("class", "").split()

    @property
    def id(self) -> str:
        return self.attrs.get("id", "")

    @property
    def elements(self) -> list["Node"]:
        return [child for child in self.children if isinstance(child, Node)]

    def all(self) -> Iterator["Node"]:
        for child in self.elements:
            yield child
            yield from child.all()

    def find(self, ident: str) -> "Node | None":
        return next((node for node in self.all() if node.id == ident), None)

    def seen(self) -> str:
        """As it reads: attributes in a steady order, no layout blanks, and moments without the words browsers give them."""
        attrs = "".join(f' {k}="{v}"' for k, v in sorted(self.attrs.items()))
        inside = "" if self.tag == "time" else "".join(c.seen() if isinstance(c, Node) else c for c in self.children)
        return re.sub(r"\s+", " ", f"<{self.tag}{attrs}>{inside}</{self.tag}>").replace("> ", ">").replace(" <", "<")


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(self._open[-1].elements[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def parse(html: str) -> Node:
    tree = _Tree()
    tree.feed(html)
    tree.close()
    return tree.root


def _far(text: str) -> float:
    return float(text) if text else INFINITY


class Listed:
    """The rows of one view of one queue (list.js)."""

    def __init__(self, page: Node, *, me: int, now: float) -> None:
        box = page.find("list")
        assert box is not None, "no list on this page"
        cases = box.find("cases")
        assert cases is not None
        self.queue, self.view, self.me, self.now = box.data("queue"), box.data("view"), str(me), now
        self.rows = [row for row in cases.elements if row.has("case")]
        self.by_age = box.data("order") == "newest"
        self.unsure: dict[str, Node] = {}

    @property
    def by_server(self) -> bool:
        return re.fullmatch(r"mentions|watching|q|f\d+", self.view) is not None

    def belongs(self, row: Node) -> bool | None:
        """None: only the server knows (order.js)."""
        if row.data("queue") != self.queue:
            return False
        if self.by_server:
            return None
        if row.data("status") not in ACTIVE:
            return False
        asleep = _far(row.data("snoozed") or "0") > self.now
        if self.view == "snoozed":
            return asleep
        if self.view == "promises":
            return bool(row.data("promise"))
        if asleep:
            return False
        wanted = {"mine": row.data("assignee") == self.me, "unassigned": not row.data("assignee")}
        return wanted.get(self.view, True)

    def apply(self, row: Node) -> None:
        old = next((n for n, other in enumerate(self.rows) if other.id == row.id), None)
        if old is not None and int(self.rows[old].data("version")) > int(row.data("version")):
            return
        fits = self.belongs(row)
        if fits is None:
            self.unsure[row.data("case")] = row
        if old is None:
            if fits:
                self._insert(row)
            return
        self.rows[old] = row
        if fits is False:
            del self.rows[old]
        elif self._out_of_place(old):
            self.rows.sort(key=self._order)

    @property
    def asked(self) -> list[str]:
        """What the server is asked about: who came, and who is here."""
        return list(dict.fromkeys([*self.unsure, *(row.data("case") for row in self.rows)]))[:200]

    def decide(self, asked: list[str], inside: set[str]) -> None:
        """What the server answered (list.js: showCounts, decide)."""
        for number in asked:
            row = self.unsure.pop(number, None)
            here = any(other.data("case") == number for other in self.rows)
            if number not in inside:
                self.drop(number)
            elif row is not None and not here:
                self._insert(row)

    def _order(self, row: Node) -> tuple[float, ...]:
        return (-_far(row.data("opened")), -_far(row.data("id"))) if self.by_age else _order(row)

    def _out_of_place(self, at: int) -> bool:
        orders = [self._order(row) for row in self.rows[max(at - 1, 0) : at + 2]]
        return orders != sorted(orders)

    def _insert(self, row: Node) -> None:
        at = next((n for n, other in enumerate(self.rows) if self._order(row) < self._order(other)), len(self.rows))
        self.rows.insert(at, row)

    def drop(self, number: str) -> None:
        self.rows = [row for row in self.rows if row.data("case") != number]

    def seen(self) -> list[str]:
        return [row.seen() for row in self.rows]


def _order(row: Node) -> tuple[float, float, float]:
    attention, waiting, pk = (_far(row.data(name)) for name in ("attention", "waiting", "id"))
    return attention, waiting, pk


class Thread:
    """The open conversation: messages, and between them runs of lines (thread.js)."""

    def __init__(self, box: Node) -> None:
        self.applied: dict[str, int] = {}
        self.show(box)

    def show(self, box: Node) -> None:
        """All of it, in place of what stood there."""
        self.items: list[Node | list[Node]] = []
        for child in box.elements:
            if child.has("msg"):
                self.items.append(child)
            elif child.has("sys"):
                self.items.append([line for line in child.elements if line.has("line")])

    def apply_message(self, message: Node, version: int) -> None:
        old = next((n for n, item in enumerate(self.items) if isinstance(item, Node) and item.id == message.id), None)
        if old is not None:
            if self.applied.get(message.id, 0) > version:
                return
            self.items[old] = message
        else:
            self._place(message)
        self.applied[message.id] = version

    def apply_line(self, line: Node, version: int) -> None:
        if all(line.id != other.id for other in self.entries()):
            self._place(line)
        elif self.applied.get(line.id, 0) < version:
            self._change(line)
        else:
            return
        self.applied[line.id] = version

    def _change(self, line: Node) -> None:
        """The one line that changes: how an acknowledgement fares."""
        runs = [item for item in self.items if isinstance(item, list)]
        run = next(run for run in runs if any(line.id == other.id for other in run))
        run[:] = [line if line.id == other.id else other for other in run]

    def entries(self) -> list[Node]:
        return [entry for item in self.items for entry in (item if isinstance(item, list) else [item])]

    def _place(self, entry: Node) -> None:
        """By time; at one moment what was said before what followed from it. Runs are cut and joined as needed."""
        entries = self.entries()
        at = next((n for n, other in enumerate(entries) if _when(other) > _when(entry)), len(entries))
        entries.insert(at, entry)
        self.items = []
        for each in entries:
            if not each.has("line"):
                self.items.append(each)
            elif self.items and isinstance(self.items[-1], list):
                self.items[-1].append(each)
            else:
                self.items.append([each])

    def seen(self) -> list[Any]:
        return [[line.seen() for line in item] if isinstance(item, list) else item.seen() for item in self.items]


def _when(entry: Node) -> tuple[str, bool, int]:
    return entry.data("at"), entry.has("line"), int(entry.data("version"))


class Room:
    """An open case: its head and its thread, or the word that it is gone."""

    def __init__(self, page: Node | None, number: int) -> None:
        self.number = str(number)
        self.head = page.find(f"head-{number}") if page else None
        box = page.find("messages") if page else None
        self.thread = Thread(box) if box else None
        self.banners = page.find("banners") if page else None

    @property
    def is_gone(self) -> bool:
        return self.thread is None

    def go(self) -> None:
        self.head = self.thread = None

    def apply_head(self, head: Node) -> None:
        if self.head is not None and int(self.head.data("version")) <= int(head.data("version")):
            self.head = head

    def apply_banner(self, banner: Node) -> None:
        """The one of its name comes, changes, or (hidden) goes; a new one stands first."""
        if self.banners is None:
            return
        kept = [child for child in self.banners.elements if child.data("banner") != banner.data("banner")]
        at = next((n for n, c in enumerate(self.banners.elements) if c.data("banner") == banner.data("banner")), 0)
        if "hidden" not in banner.attrs:
            kept.insert(at, banner)
        self.banners.children = list(kept)

    def seen(self) -> tuple[str, list[Any], str] | str:
        if self.thread is None or self.head is None:
            return "gone"
        return self.head.seen(), self.thread.seen(), self.banners.seen() if self.banners else ""


class Screen:
    """What one person has before them: a case and lists, and the versions of what they were sent."""

    def __init__(self, room: Room, lists: list[Listed], topics: set[str]) -> None:
        self.room, self.lists, self.topics = room, lists, topics
        self.held: dict[tuple[Any, ...], int] = {}
        self.torn: list[dict[str, Any]] = []

    def copy(self) -> "Screen":
        return deepcopy(self)

    def hear(self, event: dict[str, Any]) -> None:
        """A fragment from the socket (live.js: fragment, link.js: happened)."""
        if event["topic"] in self.topics and self._is_news(event):
            self._happened(event)

    def _is_news(self, event: dict[str, Any]) -> bool:
        key = (event["topic"], event["stream"], event[event["stream"]], event["part"])
        had, version = self.held.get(key), event["version"]
        if had is not None and version <= had:
            return False
        if event["part"] == "thread" and had is not None and version > had + 1:
            self.torn.append(event)
        self.held[key] = version
        return True

    def _happened(self, event: dict[str, Any]) -> None:
        topic, part, html = event["topic"], event["part"], event.get("html", "")
        if event.get("gone"):
            self._drop(event["topic"], str(event["case"]))
        elif part == "row" and html:
            for each in self._lists_of(topic):
                self.place(html, lists=[each])
        elif part in {"header", "thread"} and html and topic == f"case.{self.room.number}":
            self.place(html, version=event["version"])
        elif part == "banner" and html and topic == f"case.{self.room.number}":
            self.place(html)

    def _lists_of(self, topic: str) -> list[Listed]:
        return [each for each in self.lists if f"queue.{each.queue}" == topic]

    def _drop(self, topic: str, number: str) -> None:
        for each in self._lists_of(topic):
            each.drop(number)

    def place(self, html: str, *, version: int = 0, lists: list[Listed] | None = None) -> None:
        """Fragments, pushed or answered (place.js)."""
        parts = parse(html).elements
        head = next((part for part in parts if part.has("case-head")), None)
        for part in parts:
            held = version or int((head or part).data("version") or 0)
            self._place_one(part, held, self.lists if lists is None else lists)

    def _place_one(self, part: Node, version: int, lists: list[Listed]) -> None:
        if part.tag == "li" and part.has("case"):
            for each in lists:
                each.apply(part)
        elif part.data("gone"):
            self.gone(part.data("gone"))
        elif (part.data("case") or self.room.number) == self.room.number and self.room.thread:
            self._place_in_room(part, version, self.room.thread)

    def _place_in_room(self, part: Node, version: int, thread: Thread) -> None:
        if part.has("case-head"):
            self.room.apply_head(part)
        elif "data-thread" in part.attrs:
            thread.show(part)
            thread.applied |= dict.fromkeys((entry.id for entry in thread.entries()), version)
        elif part.has("msg"):
            thread.apply_message(part, version)
        elif part.has("line"):
            thread.apply_line(part, version)
        elif part.data("banner"):
            self.room.apply_banner(part)
        elif part.id == "banners":
            self.room.banners = part

    def gone(self, number: str) -> None:
        for each in self.lists:
            each.drop(number)
        if number == self.room.number:
            self.room.go()

    def refuse(self, topics: set[str]) -> None:
        """What this person may no longer see (link.js: refused)."""
        self.topics -= topics
        if f"case.{self.room.number}" in topics:
            self.gone(self.room.number)
        self.lists = [each for each in self.lists if f"queue.{each.queue}" not in topics]
