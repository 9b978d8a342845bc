"""Web push, against a service that decrypts as a browser does: what is told, once, only while it is true and wanted."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import conversation, news, pushing
from cases.models import Case, Notification, NotificationSettings, Presence, Push, PushDevice, PushKeys, Queue
from cases.models.hearing import BEFORE_PUSH
from crm import outbound
from crm.models import User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case
from tests.cases.told import signed_in
from tests.channels import Callback, callback

pytestmark = pytest.mark.django_db


class Browser:
    """The keys of a browser's subscription, and what it reads of what is sent to it."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.secret = b"0123456789abcdef"

    @property
    def subscription(self) -> dict[str, str]:
        kind, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        return {"p256dh": _text(self.private.public_key().public_bytes(kind, form)), "auth": _text(self.secret)}

    def reads(self, body: bytes) -> dict[str, Any]:
        return json.loads(
            http_ece.decrypt(body, private_key=self.private, auth_secret=self.secret, version="aes128gcm")
        )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def service(settings: Any) -> Iterator[Callback]:
    settings.PUSH_HOSTS = ["127.0.0.1"]
    with callback() as listening:
        yield listening


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl, channel="mail", status="open")


@pytest.fixture
def browser_of_ana(ana: User, service: Callback) -> Browser:
    browser = Browser()
    enrol(ana, browser, service)
    return browser


def enrol(user: User, browser: Browser, service: Callback, path: str = "") -> PushDevice:
    session = SessionStore()
    session.save()
    given = {"endpoint": service.url + path, "name": "Firefox", "session": session.session_key, **browser.subscription}
    return pushing.known(user, **given)


def named(case: Case, by: User, text: str = "@ana look") -> None:
    conversation.add_note(case, by=by, text=text)


def run(after: timedelta = BEFORE_PUSH + timedelta(seconds=1)) -> None:
    now = timezone.now() + after
    while pushing.plan(now) or pushing.send_due(now):
        continue


# --- what arrives


def test_a_browser_reads_what_happened_and_why_and_nobody_else_can(
    case: Case, lee: User, service: Callback, browser_of_ana: Browser
) -> None:
    named(case, lee, "@ana the secret of Carl")
    run()
    ((headers, body),) = service.got
    assert browser_of_ana.reads(body) == {
        "title": f"#{case.number}",
        "body": "Lee Hart wrote a note · you are named",
        "url": f"/cases/{case.number}/",
        "tag": f"case-{case.number}",
    }
    assert b"Carl" not in body
    assert (headers["content-encoding"], headers["urgency"]) == ("aes128gcm", "high")
    assert 0 < int(headers["ttl"]) <= pushing.LIFE.total_seconds()
    assert len(headers["topic"]) <= 32
    assert str(case.number) not in headers["topic"]
    with pytest.raises(http_ece.ECEException):
        Browser().reads(body)
    assert Push.objects.get().state == "sent"
    assert PushDevice.objects.get().reached_at is not None


def test_we_sign_as_ourselves_for_this_service(
    case: Case, lee: User, service: Callback, browser_of_ana: Browser
) -> None:
    named(case, lee)
    run()
    token, key = service.got[0][0]["authorization"].removeprefix("vapid t=").split(",k=")
    head, claims, signature = token.split(".")
    assert key == PushKeys.objects.get().public
    said = json.loads(_raw(claims))
    assert said["aud"] == service.url.removesuffix("/in")
    assert 0 < said["exp"] - timezone.now().timestamp() < 24 * 3600
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _raw(key))
    r, s = (int.from_bytes(half) for half in (_raw(signature)[:32], _raw(signature)[32:]))
    public.verify(utils.encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def test_the_customers_name_is_there_only_for_who_asked(
    case: Case, ana: User, service: Callback, browser_of_ana: Browser
) -> None:
    case.claim(by=ana)
    conversation.add_inbound(case, text="Well?", sender=None, channel="mail", at=timezone.now())
    run()
    NotificationSettings.objects.create(user=ana, shows_customer=True)
    conversation.add_inbound(case, text="Well??", sender=None, channel="mail", at=timezone.now())
    run()
    first, second = (browser_of_ana.reads(body) for _headers, body in service.got)
    assert (first["title"], first["body"]) == (f"#{case.number}", "The customer wrote · the case is yours")
    assert second["title"] == f"#{case.number} Carl Jensen"
    assert second["body"].startswith("Carl Jensen wrote")


def test_a_burst_on_one_case_is_one_push(case: Case, lee: User, service: Callback, browser_of_ana: Browser) -> None:
    for _n in range(4):
        named(case, lee)
    run()
    ((_headers, body),) = service.got
    assert browser_of_ana.reads(body)["body"].endswith("and 3 more")


def test_keys_are_made_once_and_kept_closed(settings: Any) -> None:
    ours = PushKeys.objects.ours()
    assert PushKeys.objects.ours().public == ours.public
    with connection.cursor() as cursor:
        cursor.execute("SELECT private FROM cases_pushkeys")
        assert "PRIVATE KEY" not in cursor.fetchone()[0]
    assert b"PRIVATE KEY" in ours.pem
    assert len(_raw(ours.public)) == 65


# --- what does not


def nothing_goes(service: Callback) -> None:
    run()
    assert service.got == []
    assert not Push.objects.filter(state="sent").exists()
    assert not Notification.objects.filter(push_at__isnull=False).exists()


@pytest.mark.parametrize("how", ["read", "done", "blind", "quiet", "busy", "muted way", "signed out", "deactivated"])
def test_what_is_no_longer_so_stays_home(
    case: Case, ana: User, lee: User, sue: User, service: Callback, browser_of_ana: Browser, how: str
) -> None:
    if how == "muted way":
        NotificationSettings.objects.create(user=ana).choose({"mention": ["panel", "sound"]})
    named(case, lee)
    now = timezone.now()
    begin, end = ((now + timedelta(hours=h)).time() for h in (-1, 1))
    {
        "read": lambda: news.read(ana, at=now, case=case),
        "done": lambda: Notification.objects.update(ended_by=Notification.objects.get().event),
        "blind": lambda: case.queue.memberships.filter(user=ana).delete(),
        "quiet": lambda: NotificationSettings.objects.create(user=ana, quiet_from=begin, quiet_until=end),
        "busy": lambda: Presence.objects.of(ana).choose("busy", by=ana),
        "muted way": lambda: None,
        "signed out": lambda: SessionStore(PushDevice.objects.get().session).delete(),
        "deactivated": lambda: User.objects.filter(pk=ana.pk).update(is_active=False),
    }[how]()
    nothing_goes(service)


def test_read_between_plan_and_send_is_not_sent(
    case: Case, ana: User, lee: User, service: Callback, browser_of_ana: Browser
) -> None:
    named(case, lee)
    soon = timezone.now() + timedelta(minutes=1)
    assert pushing.plan(soon) == 1
    news.read(ana, at=soon, case=case)
    pushing.send_due(soon)
    assert service.got == []
    assert Push.objects.get().state == "moot"


def test_what_is_too_old_tells_nobody(case: Case, lee: User, service: Callback, browser_of_ana: Browser) -> None:
    named(case, lee)
    soon = timezone.now() + timedelta(minutes=1)
    pushing.plan(soon)
    pushing.send_due(soon + pushing.LIFE)
    assert service.got == []
    assert Push.objects.get().state == "moot"


# --- the other side


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(
    case: Case, lee: User, service: Callback, browser_of_ana: Browser, status: int
) -> None:
    service.answers.append((status, {}, b""))
    named(case, lee)
    run()
    assert len(service.got) == 1
    assert not PushDevice.objects.exists()


def test_a_service_in_trouble_is_asked_again_later_and_not_for_ever(
    case: Case, lee: User, service: Callback, browser_of_ana: Browser
) -> None:
    service.answers += [(503, {}, b""), (429, {"retry-after": "300"}, b""), (0, {}, b""), (201, {}, b"")]
    named(case, lee)
    now = timezone.now() + timedelta(minutes=1)
    pushing.plan(now)
    tries = [seconds for seconds in range(0, 1200, 5) if pushing.send_due(now + timedelta(seconds=seconds))]
    assert len(service.got) == len(tries) == 4
    assert tries[1] - tries[0] >= 15
    assert tries[2] - tries[1] >= 300, "as long as it asked for"
    assert Push.objects.get().state == "sent"
    assert [body for _h, body in service.got][0] != service.got[3][1], "each try is encrypted anew"

    service.answers += [(500, {}, b"")] * 20
    named(case, lee)
    later = now + timedelta(minutes=30)
    pushing.plan(later)
    for minutes in range(230):
        pushing.send_due(later + timedelta(minutes=minutes))
    assert len(service.got) == 4 + pushing.MOST_TRIES
    assert Push.objects.order_by("-pk")[0].state == "failed"


def test_a_sender_that_died_is_replaced_after_its_lease_and_a_late_word_changes_nothing(
    case: Case, lee: User, service: Callback, browser_of_ana: Browser
) -> None:
    named(case, lee)
    now = timezone.now() + timedelta(minutes=1)
    pushing.plan(now)
    (dead,) = pushing._claim(now)
    assert pushing.send_due(now + timedelta(seconds=30)) == 0, "it is somebody's"
    assert pushing.send_due(now + timedelta(seconds=61)) == 1
    pushing._settle(dead, pushing._Outcome("failed", "late", forget=True), now)
    assert Push.objects.get().state == "sent"
    assert len(service.got) == 1


def test_planning_twice_plans_once(case: Case, lee: User, service: Callback, browser_of_ana: Browser) -> None:
    named(case, lee)
    now = timezone.now() + timedelta(minutes=1)
    assert [pushing.plan(now), pushing.plan(now)] == [1, 0]
    assert Push.objects.count() == 1


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:9/x", "https://127.0.0.1/x", "https://10.0.0.7/x", "https://[::1]/x", "https://169.254.169.254/x",
     "https://93.184.216.34:6379/x", "http://93.184.216.34/x"],
)  # fmt: skip
def test_no_browser_sends_us_into_a_private_network(ana: User, endpoint: str) -> None:
    with pytest.raises(outbound.Forbidden):
        pushing.known(ana, endpoint=endpoint, name="", session="s", **Browser().subscription)
    assert not PushDevice.objects.exists()


def test_a_service_that_moved_into_a_private_network_is_not_called(
    case: Case, lee: User, service: Callback, browser_of_ana: Browser, settings: Any
) -> None:
    settings.PUSH_HOSTS = []
    named(case, lee)
    run()
    assert service.got == []
    assert not PushDevice.objects.exists()


# --- devices


def test_a_browser_is_enrolled_tried_and_removed_by_its_person(
    billing: Queue, ana: User, lee: User, service: Callback, settings: Any
) -> None:
    desk, browser = signed_in(ana), Browser()
    given = {"endpoint": service.url, "name": "Firefox · Linux", **browser.subscription}
    assert desk.post("/notifications/devices/", given).status_code == 204
    assert desk.post("/notifications/devices/", given).status_code == 204
    device = PushDevice.objects.get()
    page = desk.get("/notifications/settings/").content.decode()
    assert "Firefox · Linux" in page
    assert PushKeys.objects.get().public in page
    with connection.cursor() as cursor:
        cursor.execute("SELECT auth FROM cases_pushdevice")
        assert cursor.fetchone()[0] != browser.subscription["auth"]
    desk.post(f"/notifications/devices/{device.pk}/")
    run()
    assert browser.reads(service.got[0][1])["tag"] == "test"
    assert signed_in(lee).post(f"/notifications/devices/{device.pk}/", {"off": 1}).status_code == 404
    listed = Caller(ana).get("push-devices/").json()
    assert listed["results"][0]["name"] == "Firefox · Linux", listed
    desk.post(f"/notifications/devices/{device.pk}/", {"off": 1})
    assert not PushDevice.objects.exists()


def test_after_signing_out_the_browser_hears_nothing_and_is_forgotten(
    case: Case, ana: User, lee: User, service: Callback
) -> None:
    desk = signed_in(ana)
    desk.post("/notifications/devices/", {"endpoint": service.url, **Browser().subscription})
    named(case, lee)
    desk.post("/sign-out/")
    run()
    assert service.got == []
    assert pushing.tidy(timezone.now() + timedelta(minutes=10)) == 1


def test_a_browser_is_the_last_persons_who_asked(ana: User, lee: User, service: Callback) -> None:
    enrol(ana, Browser(), service)
    enrol(lee, Browser(), service)
    assert [device.user for device in PushDevice.objects.all()] == [lee]


@pytest.mark.parametrize("wrong", [{"p256dh": "x"}, {"auth": "…"}, {"endpoint": "javascript:1"}, {"endpoint": ""}])
def test_what_no_browser_says_is_refused(ana: User, service: Callback, wrong: dict[str, str]) -> None:
    given = {"endpoint": service.url, **Browser().subscription, **wrong}
    assert signed_in(ana).post("/notifications/devices/", given).status_code == 409
    assert not PushDevice.objects.exists()


def test_the_worker_comes_from_the_root_as_a_module_under_the_policy(client: Client) -> None:
    answer = client.get("/push-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "no-cache" in answer["Cache-Control"]
    assert "worker-src 'self'" in answer["Content-Security-Policy"]
    assert b"showNotification" in answer.content
