"""A mail's HTML as a reader sees it: pictures of the mail from our own addresses, those from elsewhere only when asked for.

The page stands in a sandboxed frame, whose requests carry no cookies. So its addresses carry a seal of their own: whom
they were made for, which message, which picture, for an hour. Whether that person may see the case is asked every time.
"""

import re
from dataclasses import dataclass
from html import escape, unescape
from typing import Any
from urllib.parse import quote, unquote

from django.urls import reverse

from cases.mail.html import harmless
from cases.models import Case, Message
from crm.models import User
from crm.secrets import Unreadable, sign, unsign

SECONDS = 3600
MOST_REMOTE = 200  # pictures from elsewhere in one mail

# What nh3 writes: attributes in double quotes, none within them.
_IMG = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


@dataclass(frozen=True)
class Shown:
    """A mail's HTML with its pictures placed, and how many wait to be asked for."""

    html: str
    waiting: int


def seal(message: Message, user: User, **what: object) -> str:
    """What lets one reader's frame have one thing of one message."""
    return sign({"message": message.pk, "user": user.pk, **what}, purpose="mail frame")


def opened(message: Message, seal: str) -> tuple[User, dict[str, Any]] | None:
    """Whose seal it is, and for what; None if it is none for this message, or they may not see its case any more."""
    try:
        told: dict[str, Any] = unsign(seal, purpose="mail frame", max_age=SECONDS)
    except Unreadable:
        return None
    user = User.objects.filter(pk=told["user"], is_active=True).first()
    return (user, told) if user and told["message"] == message.pk and may_see(user, message) else None


def may_see(user: User, message: Message) -> bool:
    return Case.objects.visible_to(user).filter(pk=message.case_id).exists()


def shown(message: Message, user: User, *, pictures: bool) -> Shown:
    """The HTML for one reader. It was made harmless when it came and is made so again: rows may be older than the rules."""
    own = {_content_id(a.content_id): a.pk for a in message.attachments.all() if a.content_id}
    remote: list[str] = []

    def place(found: re.Match[str]) -> str:
        given = {key: unescape(value) for key, value in _ATTRIBUTE.findall(found[1])}
        if (attachment := own.get(_content_id(given.get("data-cid", "")))) is not None:
            return _img(given, _address(message, user, attachment=attachment))
        if "data-remote" in given and len(remote) < MOST_REMOTE:
            remote.append(given["data-remote"])
            return _img(given, _address(message, user, url=given["data-remote"])) if pictures else _absent(given)
        return _absent(given)

    html = _IMG.sub(place, harmless(message.html))
    return Shown(html, 0 if pictures else len(remote))


def _content_id(raw: str) -> str:
    return unquote(raw).strip("<> ").lower()


def _address(message: Message, user: User, **what: object) -> str:
    return f"{reverse('public:mail_picture', args=[message.token])}?seal={quote(seal(message, user, **what))}"


def _img(given: dict[str, str], source: str) -> str:
    kept = "".join(f' {key}="{escape(given[key])}"' for key in ("width", "height", "title") if given.get(key))
    return f'<img src="{source}" alt="{escape(given.get("alt", ""))}" loading="lazy"{kept}>'


def _absent(given: dict[str, str]) -> str:
    """What a picture is said to show stands for it; one that shows nothing (a counter of readers) leaves nothing."""
    return f'<span class="absent">{escape(given["alt"])}</span>' if given.get("alt", "").strip() else ""
