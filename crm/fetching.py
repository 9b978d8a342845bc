"""Pictures from addresses that strangers wrote, fetched in our own name: from public addresses only, wherever a redirect
leads, with nothing of ours in the request, and nothing but a picture in the answer."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from crm import outbound
from crm.files import picture_type

LARGEST = 5 * 1024 * 1024  # bytes
SECONDS = 10.0  # for everything, redirects included
MOST_REDIRECTS = 4
_TIMEOUT = httpx.Timeout(5, connect=3)
_HEADERS = {
    "accept": "image/png,image/jpeg,image/gif,image/webp",
    "accept-encoding": "identity",
    "user-agent": "Forefront",
}


class NoPicture(OSError):
    """There is no picture to be had from this address; the message says why, in words for a log."""


@dataclass(frozen=True)
class Picture:
    """A picture's bytes, and the type they prove."""

    data: bytes
    kind: str


async def picture(url: str) -> Picture:
    """The picture at `url`; raises NoPicture. Each hop is resolved, judged and connected to by the very address judged."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _follow(url)
    except outbound.Forbidden as error:
        raise NoPicture("Its address is no public one of the web.") from error
    except outbound.Unresolved as error:
        raise NoPicture("Its host cannot be found.") from error
    except TimeoutError as error:
        raise NoPicture("It took too long.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoPicture(f"It cannot be reached: {type(error).__name__}.") from error


async def _follow(url: str) -> Picture:
    for _hop in range(MOST_REDIRECTS + 1):
        answer = await _ask(url)
        if isinstance(answer, Picture):
            return answer
        url = urljoin(url, answer)
    raise NoPicture("It redirects too often.")


async def _ask(url: str) -> Picture | str:
    """The picture, or where else it is said to be. The name is resolved beside the loop: a slow server holds nobody up."""
    target = await asyncio.to_thread(outbound.target, url, foreign=True)
    options = {"headers": {"host": target.host, **_HEADERS}, "extensions": {"sni_hostname": target.name}}
    async with (
        httpx.AsyncClient(
            timeout=_TIMEOUT, verify=outbound.authorities(), trust_env=False, follow_redirects=False
        ) as client,
        client.stream("GET", target.url, **options) as answer,  # type: ignore[arg-type]
    ):
        if answer.has_redirect_location:
            return answer.headers["location"]
        if answer.status_code != 200 or answer.headers.get("content-encoding", "identity") != "identity":
            raise NoPicture(f"The other side answered {answer.status_code}.")
        return _proven(await _body(answer))


async def _body(answer: httpx.Response) -> bytes:
    """At most LARGEST bytes, as they came: nothing is unpacked here."""
    told = answer.headers.get("content-length", "0")
    held = bytearray()
    if told.isdigit() and len(told) < 20 and int(told) <= LARGEST:
        async for piece in answer.aiter_raw():
            held += piece
            if len(held) > LARGEST:
                break
        else:
            return bytes(held)
    raise NoPicture("It is larger than a picture in a mail may be.")


def _proven(data: bytes) -> Picture:
    kind = picture_type(data[:16])
    if not kind:
        raise NoPicture("It is no picture.")
    return Picture(data, kind)
