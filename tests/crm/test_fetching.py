"""Pictures from addresses strangers wrote: from public addresses only, wherever names and redirects lead."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from crm import fetching, outbound
from crm.fetching import NoPicture, picture

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PUBLIC = "93.184.216.34"

# The ways to write this machine, a private network or a cloud's metadata.
SPELLINGS = [
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1",
    "0177.0.0.1", "017700000001", "0177.0.1", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "127。0。0。1", "①②⑦.⓪.⓪.①",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]",
    "[fec0::1]", "169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "100.100.100.200", "192.0.0.192", "10.0.0.1", "172.16.0.1", "192.168.0.1",
    "198.18.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "127.0.0.1%09", "127.0.0.1%00.example.org",
]  # fmt: skip


@pytest.fixture(autouse=True)
def every_exception_on(settings: Any) -> None:
    """What opens private networks to call-backs opens nothing here."""
    settings.DEBUG = settings.DEMO = True
    settings.CALLBACK_HOSTS = ["127.0.0.1", "localhost", "10.0.0.1", "inside.example"]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every line that is opened to anywhere, refused at once."""
    opened: list[tuple[str, int]] = []

    async def refuses(_self: object, host: str, port: int, **_options: object) -> None:
        opened.append((host, port))
        raise httpx.ConnectError("refused by the test")

    monkeypatch.setattr("httpcore._backends.auto.AutoBackend.connect_tcp", refuses)
    return opened


def literal(name: str) -> list[str]:
    """An address written as one, however, leads where it says."""
    try:
        return [socket.inet_ntoa(socket.inet_aton(name))]
    except OSError:
        return [name] if ":" in name else []


def names(monkeypatch: pytest.MonkeyPatch, answers: Callable[[str], list[str]]) -> list[str]:
    """A name server of our own; what it was asked for."""
    asked: list[str] = []

    def getaddrinfo(name: str, port: int, **_kwargs: object) -> list[tuple[object, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers(name)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def why(url: str) -> str:
    with pytest.raises(NoPicture) as refused:
        asyncio.run(picture(url))
    return str(refused.value)


# --- where it goes


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_leads_into_this_machine_or_a_private_network(lines: list[Any], scheme: str, host: str) -> None:
    assert why(f"{scheme}://{host}/latest/meta-data/")
    assert lines == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1:25/", "ftp://example.org/a.png", "data:image/png;base64,AAAA", "//example.org/a.png", "/a.png", "",
        "http://user:word@example.org/", "http://example.org@127.0.0.1/", "http://127.0.0.1#@example.org/", "http://127.0.0.1\\@example.org/",
        "http:///a.png", "http://[::1", "https://example.org:99999/", "http://example.org:22/", "http://example.org:25/", "http://example.org:5432/",
        "http://exa mple.org/", "jar:http://example.org!/", "dict://example.org:11211/", "http://example.org:0/",
    ],
)  # fmt: skip
def test_only_plain_addresses_of_the_web_are_asked(monkeypatch, lines: list[Any], url: str) -> None:
    names(monkeypatch, lambda name: ["127.0.0.1"] if name.startswith("127.") else [PUBLIC])

    assert why(url)
    assert lines == []


def test_a_name_that_leads_inside_is_refused_though_one_of_its_answers_is_public(monkeypatch, lines: list[Any]) -> None:
    names(monkeypatch, lambda _name: [PUBLIC, "169.254.169.254"])

    assert "no public one" in why("https://innocent.example/a.png")
    assert lines == []


def test_another_answer_a_moment_later_changes_nothing(monkeypatch, lines: list[Any]) -> None:
    """DNS rebinding: the name is resolved once, and the line goes to the address that was judged."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    asked = names(monkeypatch, lambda _name: next(answers))

    why("https://rebinding.example/a.png")

    assert asked == ["rebinding.example"]
    assert lines == [(PUBLIC, 443)]


# --- what the other side says


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Sites at public addresses: "name/path" → what is answered; what was asked lies in `asked`."""
    sites: dict[str, Any] = {"asked": []}
    names(monkeypatch, lambda n: ["127.0.0.1"] if n in {"localhost", "inside.example"} else literal(n) or [PUBLIC])

    def answer(request: httpx.Request) -> httpx.Response:
        sites["asked"].append(request)
        return sites[f"{request.headers['host']}{request.url.path}"](request)

    real = httpx.AsyncClient
    monkeypatch.setattr(fetching.httpx, "AsyncClient", lambda **o: real(transport=httpx.MockTransport(answer), **o))
    return sites


def says(status: int = 200, content: bytes = PNG, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


def test_a_picture_comes_with_nothing_of_ours_in_the_request(web: dict[str, Any]) -> None:
    web["far.example/a.png"] = says()

    found = asyncio.run(picture("https://far.example/a.png?who=ana#x"))

    assert (found.data, found.kind) == (PNG, "image/png")
    (request,) = web["asked"]
    assert str(request.url) == f"https://{PUBLIC}/a.png?who=ana"
    assert request.headers["host"] == "far.example"
    assert request.extensions["sni_hostname"] == "far.example"
    assert set(request.headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}


def test_redirects_are_judged_one_by_one(web: dict[str, Any]) -> None:
    web["a.example/1"] = says(302, location="https://b.example/2")
    web["b.example/2"] = says(301, location="/3")
    web["b.example/3"] = says()

    assert asyncio.run(picture("http://a.example/1")).data == PNG
    assert len(web["asked"]) == 3


@pytest.mark.parametrize(
    "inside",
    ["http://127.0.0.1/", "http://localhost/", "//inside.example/", "http://[::1]/", "http://169.254.169.254/", "file:///etc/passwd",
     "http://2130706433/", "gopher://x/", "http://far.example:6379/"],
)  # fmt: skip
def test_no_redirect_leads_inside(web: dict[str, Any], inside: str) -> None:
    web["far.example/"] = says(307, location=inside)

    assert why("https://far.example/")
    assert len(web["asked"]) == 1


def test_redirects_end(web: dict[str, Any]) -> None:
    web["far.example/"] = says(302, location="/")

    assert "too often" in why("https://far.example/")
    assert len(web["asked"]) == fetching.MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0x", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
    ],
)
def test_the_first_bytes_say_what_it_is(web: dict[str, Any], content: bytes, kind: str) -> None:
    web["far.example/"] = says(content=content, **{"content-type": "text/html"})

    assert asyncio.run(picture("https://far.example/")).kind == kind


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"<html>", b"GIF", b"%PDF-1.7", b"BM", b"\0" * 99])
def test_what_is_no_picture_is_not_passed_on(web: dict[str, Any], content: bytes) -> None:
    web["far.example/"] = says(content=content, **{"content-type": "image/png"})

    assert "no picture" in why("https://far.example/")


def test_nothing_packed_is_unpacked(web: dict[str, Any]) -> None:
    web["far.example/"] = lambda _request: httpx.Response(
        200, stream=httpx.ByteStream(PNG), headers={"content-encoding": "gzip"}
    )

    assert why("https://far.example/")


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 404, 500])
def test_only_a_plain_answer_counts(web: dict[str, Any], status: int) -> None:
    web["far.example/"] = says(status)

    assert why("https://far.example/")


def test_it_is_at_most_five_megabytes_whatever_it_says_of_itself(web: dict[str, Any]) -> None:
    async def endless() -> Any:
        for _n in range(200):
            taken.append(1)
            yield PNG + b"\0" * 65_536

    taken: list[int] = []
    web["far.example/said"] = says(content=b"", **{"content-length": str(fetching.LARGEST + 1)})
    web["far.example/endless"] = lambda _r: httpx.Response(200, content=endless())

    assert "larger" in why("https://far.example/said")
    assert "larger" in why("https://far.example/endless")
    assert len(taken) < 85


# --- a real line to a real server


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does to one caller after the other what `answer` does."""
    server = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        server.settimeout(0.1)
        while not done.is_set():
            try:
                line, _address = server.accept()
            except TimeoutError:
                continue
            with line:
                line.settimeout(5)
                try:
                    answer(line)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        done.set()
        thread.join()
        server.close()


@pytest.fixture
def this_machine_is_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_may_call", lambda _address, **_options: True)
    monkeypatch.setattr(outbound, "_WEB_PORTS", range(1, 65_536))


def test_it_comes_over_a_real_line(this_machine_is_far: None) -> None:
    heard: list[bytes] = []

    def answer(line: socket.socket) -> None:
        heard.append(line.recv(4096))
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(PNG), PNG))

    with serving(answer) as port:
        assert asyncio.run(picture(f"http://127.0.0.1:{port}/a.png")).data == PNG
    assert heard[0].startswith(b"GET /a.png HTTP/1.1\r\n")
    assert b"ookie" not in heard[0]
    assert b"eferer" not in heard[0]


@pytest.mark.parametrize("part", ["head", "body", "silence"])
def test_who_is_slow_on_purpose_is_left(this_machine_is_far: None, monkeypatch, part: str) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 1.0)
    gone = threading.Event()

    def answer(line: socket.socket) -> None:
        line.recv(4096)
        if part == "body":
            line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + PNG)
        for _n in range(100):
            if part != "silence":
                line.sendall(b"x" if part == "head" else b"\0")
            if gone.wait(0.1):
                return

    with serving(answer) as port:
        try:
            assert "too long" in why(f"http://127.0.0.1:{port}/a.png")
        finally:
            gone.set()
