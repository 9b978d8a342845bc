"""Telling people on their devices (Web Push, RFC 8030): planned once from what is still new, sent by lease, and asked again in
the moment it leaves: read, out of sight, quiet, or signed out meanwhile, and nothing goes."""

import json
import logging
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from cases import news_words
from cases.disturbing import may_disturb
from cases.models import Notification, Push, PushDevice, PushKeys
from cases.models.reasons import NEEDS_ME, weight
from crm import jobs, outbound
from crm.languages import spoken
from crm.models import User

BATCH = 200
CLAIM = 20
LEASE = timedelta(seconds=60)
LIFE = timedelta(hours=4)  # what is older tells nobody anything on a phone
MOST_TRIES = 6
PATIENCE = httpx.Timeout(8, connect=4)
State = Push.State
log = logging.getLogger(__name__)


# --- planned


@transaction.atomic
def plan(now: datetime) -> int:
    """A push a device and case for what is due and still new; the row's mark goes in the same commit, so that whoever
    dies plans neither twice nor never. What falls into quiet hours stays in the console."""
    due = Notification.objects.filter(push_at__lte=now).order_by("push_at", "pk")
    held = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:BATCH])
    if not held:
        return 0
    fresh = Notification.objects.filter(pk__in=held).unread().awake(now).visible(now)
    rows = list(fresh.select_related("user__notification_settings", "user__presence").order_by("pk"))
    wanted = [row for row in rows if may_disturb(row.user, now)]
    devices = defaultdict(list)
    for device in PushDevice.objects.signed_in(now).filter(user__in={row.user_id for row in wanted}):
        devices[device.user_id].append(device)
    Push.objects.bulk_create(
        [
            Push(device=device, notification=top, count=count, due_at=now, expires_at=now + LIFE)
            for top, count in _by_case(wanted)
            for device in devices[top.user_id]
        ],
        ignore_conflicts=True,
    )
    Notification.objects.filter(pk__in=held).update(push_at=None)
    jobs.nudge("cases.pushing")
    return len(held)


def _by_case(rows: Sequence[Notification]) -> list[tuple[Notification, int]]:
    """Of each person and case what needs them most, and how much there is."""
    groups: dict[tuple[int, int], list[Notification]] = defaultdict(list)
    for row in rows:
        groups[row.user_id, row.case_id].append(row)
    return [(min(said, key=lambda row: (weight(row.reason), -row.pk)), len(said)) for said in groups.values()]


def try_out(device: PushDevice, now: datetime) -> None:
    """One that says that it works."""
    Push.objects.create(device=device, due_at=now, expires_at=now + timedelta(minutes=5))
    jobs.nudge("cases.pushing")


# --- sent


def send_due(now: datetime) -> int:
    """Send what is due, by lease; returns how many had their turn."""
    rows = _claim(now)
    if not rows:
        return 0
    keys = PushKeys.objects.ours()
    with httpx.Client(timeout=PATIENCE, verify=outbound.authorities(), trust_env=False) as client:
        for row in rows:
            _settle(row, _attempt(row, keys, client, now), now)
    return len(rows)


@transaction.atomic
def _claim(now: datetime) -> list[Push]:
    """A try is counted before it is made; one whose sender died is free again when its lease is over."""
    waiting = Push.objects.filter(state=State.WAITING, due_at__lte=now)
    broken = Push.objects.filter(state=State.CLAIMED, lease_until__lt=now)
    free = (waiting | broken).select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("due_at", "pk")
    keys = list(free.values_list("pk", flat=True)[:CLAIM])
    Push.objects.filter(pk__in=keys).update(state=State.CLAIMED, lease_until=now + LEASE, attempts=F("attempts") + 1)
    read = ("device__user__notification_settings", "device__user__presence")
    return list(Push.objects.filter(pk__in=keys).select_related(*read).order_by("due_at", "pk"))


@dataclass(frozen=True)
class _Outcome:
    state: str
    reason: str = ""
    again: timedelta | None = None
    forget: bool = False  # the device is no more


def _attempt(row: Push, keys: PushKeys, client: httpx.Client, now: datetime) -> _Outcome:
    told = _still_new(row, now)
    if told is None:
        return _Outcome(State.MOOT)
    try:
        target = outbound.target(row.device.endpoint, foreign=True, vouched=settings.PUSH_HOSTS)
        request = _request(row, told, keys, target.host, now)
        answer = client.post(
            target.url, content=request[0], headers=request[1], extensions={"sni_hostname": target.name}
        )
    except outbound.Forbidden:
        return _Outcome(State.FAILED, "forbidden_address", forget=True)
    except (httpx.HTTPError, OSError) as error:
        return _later(row, type(error).__name__)
    except ValueError as error:  # keys that are none
        log.warning("push: device %s: %s", row.device_id, type(error).__name__)
        return _Outcome(State.FAILED, "bad_keys", forget=True)
    return _meaning(row, answer)


def _meaning(row: Push, answer: httpx.Response) -> _Outcome:
    code = answer.status_code
    if 200 <= code < 300:
        return _Outcome(State.SENT)
    if code in {404, 410}:
        return _Outcome(State.FAILED, f"status_{code}", forget=True)
    if code == 429 or code >= 500:
        wait = answer.headers.get("retry-after", "")
        return _later(row, f"status_{code}", int(wait) if wait.isdecimal() and len(wait) < 5 else 0)
    return _Outcome(State.FAILED, f"status_{code}")


def _later(row: Push, reason: str, seconds: int = 0) -> _Outcome:
    if row.attempts >= MOST_TRIES:
        return _Outcome(State.FAILED, reason[:40])
    return _Outcome(State.WAITING, reason[:40], again=timedelta(seconds=max(seconds, 5 * 3**row.attempts)))


@transaction.atomic
def _settle(row: Push, became: _Outcome, now: datetime) -> None:
    """This try's word, unless another has taken the row over."""
    mine = Push.objects.filter(pk=row.pk, state=State.CLAIMED, attempts=row.attempts)
    due = now + became.again if became.again else row.due_at
    if not mine.update(state=became.state, reason=became.reason, due_at=due, lease_until=None):
        return
    if became.forget:
        PushDevice.objects.filter(pk=row.device_id).delete()
    elif became.state == State.SENT:
        PushDevice.objects.filter(pk=row.device_id).update(reached_at=now)


# --- what it says


def _still_new(row: Push, now: datetime) -> Notification | None | bool:
    """What it tells, if it still does; True for a test."""
    here = PushDevice.objects.signed_in(now).filter(pk=row.device_id).exists()
    if not here or now >= row.expires_at:
        return None
    if row.notification_id is None:
        return True
    if not may_disturb(row.device.user, now):
        return None
    still = Notification.objects.filter(pk=row.notification_id, user=row.device.user_id)
    still = still.unread().awake(now).visible(now)
    return still.select_related("case__customer", "event__actor").first()  # type: ignore[no-any-return]


def _request(
    row: Push, told: Notification | bool, keys: PushKeys, host: str, now: datetime
) -> tuple[bytes, dict[str, str]]:
    """Encrypted for this browser alone, and signed by us for its service."""
    from py_vapid import Vapid02  # type: ignore[import-untyped] # they bring a whole HTTP client along, which only who sends needs to load
    from pywebpush import WebPusher  # type: ignore[import-untyped]

    device = row.device
    pusher = WebPusher({"endpoint": device.endpoint, "keys": {"p256dh": device.p256dh, "auth": device.secret}})
    body = pusher.encode(json.dumps(content(row, told), ensure_ascii=False).encode())["body"]
    address = urlsplit(device.endpoint)
    claims = {
        "aud": f"{address.scheme}://{address.netloc}",
        "exp": int((now + timedelta(hours=12)).timestamp()),
        "sub": settings.PUSH_CONTACT,
    }
    signed: dict[str, str] = Vapid02.from_pem(keys.pem).sign(claims)
    urgent = told is True or (isinstance(told, Notification) and told.reason in NEEDS_ME)
    return body, {
        **signed,
        "host": host,
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(max(0, int((row.expires_at - now).total_seconds()))),
        "topic": _topic(row, told),
        "urgency": "high" if urgent else "normal",
    }


def _topic(row: Push, told: Notification | bool) -> str:
    """What replaces what has not reached the device yet: the same case's. The service learns no number by it."""
    about = f"{row.device_id} {told.case_id}" if isinstance(told, Notification) else f"{row.device_id} test"
    return urlsafe_b64encode(sha256(about.encode()).digest())[:32].decode().rstrip("=")


def content(row: Push, told: Notification | bool) -> dict[str, Any]:
    """What the browser shows: the case's number, what happened and why; the customer's name only for who asked for it."""
    user: User = row.device.user
    with translation.override(spoken(user.language)):
        if not isinstance(told, Notification):
            return {"title": settings.COMPANY, "body": _("Notifications reach this device."), "url": "/", "tag": "test"}
        wants = getattr(user, "notification_settings", None)
        named = bool(wants and wants.shows_customer)
        (worded,) = news_words.worded([told], named=named)
        name = f" {told.case.customer.name}" if named and told.case.customer else ""
        more = " " + _("and %(n)s more") % {"n": row.count - 1} if row.count > 1 else ""
        return {
            "title": f"#{told.case.number}{name}",
            "body": f"{worded.what} · {worded.why}{more}",  # type: ignore[attr-defined]
            "url": reverse("cases:case", args=[told.case.number]),
            "tag": f"case-{told.case.number}",
        }


# --- devices


def known(user: User, *, endpoint: str, p256dh: str, auth: str, name: str, session: str) -> PushDevice:
    """This browser is this person's now, whoever's it was. Raises outbound.Forbidden for an address we do not call."""
    outbound.target(endpoint, foreign=True, vouched=settings.PUSH_HOSTS)
    if urlsplit(endpoint).scheme != "https" and urlsplit(endpoint).hostname not in settings.PUSH_HOSTS:
        raise outbound.Forbidden("A push service is reached by https.")
    device, fresh = PushDevice.objects.get_or_create(
        endpoint=endpoint, defaults={"user": user, "p256dh": p256dh, "session": session}
    )
    if not fresh and device.user_id != user.pk:
        device.pushes.all().delete()
    device.user, device.p256dh, device.session, device.name = user, p256dh, session, name[:80]
    device.secret = auth
    device.save()
    return device


def tidy(now: datetime) -> int:
    """Away with what is done, and with devices whose sign-in is over."""
    old = Push.objects.filter(expires_at__lt=now - timedelta(days=1))
    gone = PushDevice.objects.exclude(pk__in=PushDevice.objects.signed_in(now).values("pk"))
    gone = gone.filter(made_at__lt=now - timedelta(minutes=5))
    return int(old.delete()[0]) + int(gone.delete()[0])
