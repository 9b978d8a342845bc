"""Signing in, foreign sites, foreign queues and what every answer carries. The addresses are in tests/test_routes.py."""

import re
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client

from cases import conversation
from cases.models import Case, Message, Queue
from cases.search import search
from crm.live import topics
from crm.models import Event, Presence, User
from customers.models import Customer
from outreach.models import KnownProblem, Notice
from tests.api import Caller
from tests.builders import make_case, make_customer, make_user

PASSWORD = "correct horse battery"
SECRET = "zanzibar"


def try_in(client: Client, name: str, password: str, **extra: str) -> tuple[int, str]:
    """The status, and the page without what is fresh in every answer."""
    page = client.post("/sign-in/", {"username": name, "password": password}, **extra)
    text = re.sub(r'(nonce|value|content)="[^"]*"', "", page.content.decode())
    return page.status_code, text


@pytest.fixture
def desk(client: Client, ana: User, billing: Queue) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def foreign(technical: Queue) -> Case:
    """A case of another queue, with a word in it that no one else may read."""
    # The person may be looked up by anyone who answers people: they phone in. What they wrote elsewhere may not be read.
    customer = make_customer("Zoe Quill", email="zoe.quill@example.org")
    case = make_case(technical, f"{SECRET} subject", customer=customer)
    conversation.add_note(case, by=None, text=f"{SECRET} note")  # type: ignore[arg-type]
    case.set_tags([SECRET], by=None)
    return case


# --- signing in


def test_five_wrong_passwords_lock_this_name_from_this_address_only(ana: User, lee: User) -> None:
    client = Client()
    tries = [try_in(client, "ana", "wrong")[0] for _ in range(6)]
    assert tries == [422, 422, 422, 422, 429, 429]
    assert try_in(client, "ana", PASSWORD)[0] == 429
    assert try_in(client, "lee", PASSWORD)[0] == 302
    assert try_in(Client(), "ana", PASSWORD, REMOTE_ADDR="203.0.113.8")[0] == 302


def test_the_locked_are_told_when_to_come_back(ana: User) -> None:
    for _ in range(5):
        try_in(Client(), "ana", "wrong")
    answer = Client().post("/sign-in/", {"username": "ana", "password": PASSWORD})
    assert answer["Retry-After"] == "900"


@pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "CLIENT_IP", "TRUE_CLIENT_IP"])
def test_a_made_up_address_does_not_pass_the_lock(ana: User, header: str) -> None:
    spoofed = [{f"HTTP_{header}": f"198.51.100.{n}"} for n in range(7)]
    tries = [try_in(Client(), "ana", "wrong", **extra)[0] for extra in spoofed]
    assert tries[4:] == [429, 429, 429]
    assert try_in(Client(), "ana", PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99")[0] == 429


def test_an_unknown_name_and_a_wrong_password_read_alike(ana: User) -> None:
    make_user("Off Duty", username="off", is_active=False)
    known, unknown, off = (try_in(Client(), name, "wrong") for name in ("ana", "nobody-here", "off"))
    assert known[0] == 422
    assert known[1].replace("ana", "") == unknown[1].replace("nobody-here", "")
    assert try_in(Client(), "off", PASSWORD)[1].replace("off", "") == off[1].replace("off", "")
    assert [try_in(Client(), "nobody-here", "wrong")[0] for _ in range(5)][-1] == 429


def test_signing_in_gives_the_session_a_new_key(ana: User, billing: Queue) -> None:
    client = Client()
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
    assert try_in(client, "ana", PASSWORD)[0] == 302
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted.session_key
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
    assert thief.get("/search/")["Location"].startswith("/sign-in/")


def test_a_cookie_kept_from_before_signing_out_opens_nothing(desk: Client) -> None:
    kept = desk.cookies[settings.SESSION_COOKIE_NAME].value
    assert desk.get("/search/").status_code == 200
    desk.post("/sign-out/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert thief.get("/search/")["Location"].startswith("/sign-in/")
    assert thief.get("/api/cases/").status_code in {401, 403}


def test_a_new_password_ends_every_session(ana: User, desk: Client) -> None:
    other = Client()
    other.force_login(ana)
    ana.set_password("another horse battery")
    ana.save()
    for client in (desk, other):
        assert client.get("/search/")["Location"].startswith("/sign-in/")


def test_the_disabled_are_out_at_the_next_request(ana: User, desk: Client) -> None:
    caller = Caller(ana)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert desk.get("/search/")["Location"].startswith("/sign-in/")
    assert caller.get("cases/").status_code == 401


@pytest.mark.parametrize(
    "target",
    ["//evil.example/", "https://evil.example/", "http:///evil.example", "\\\\evil.example", "/\\evil.example",
     "javascript:alert(1)", "https:evil.example", "\thttps://evil.example", "http://testserver@evil.example/"],
)  # fmt: skip
def test_after_signing_in_one_is_sent_nowhere_else(ana: User, target: str) -> None:
    client = Client()
    for where, data in ((f"/sign-in/?next={target}", {}), ("/sign-in/", {"next": target})):
        answer = client.post(where, {"username": "ana", "password": PASSWORD, **data})
        assert answer["Location"] == "/"
        client.logout()


def test_after_signing_in_one_returns_to_our_page(ana: User) -> None:
    answer = Client().post("/sign-in/?next=/search/", {"username": "ana", "password": PASSWORD})
    assert answer["Location"] == "/search/"


def test_cookies_are_for_this_site_and_no_script(ana: User) -> None:
    client = Client()
    client.get("/sign-in/")
    try_in(client, "ana", PASSWORD)
    session, csrf = (client.cookies[n] for n in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME))
    assert session["httponly"]
    assert {session["samesite"], csrf["samesite"]} == {"Lax"}
    assert not session["domain"]


# --- foreign sites


@pytest.mark.parametrize(
    "path",
    [
        "claim/",
        "assignment/",
        "transfer/",
        "status/",
        "resolution/",
        "snooze/",
        "priority/",
        "tags/",
        "messages/",
        "drafts/note/",
    ],
)
def test_a_post_without_our_token_changes_nothing(ana: User, billing: Queue, path: str) -> None:
    case = make_case(billing)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    for headers in ({}, {"Origin": "https://evil.example"}, {"HX-Request": "true"}):
        answer = client.post(f"/cases/{case.number}/{path}", {"text": "x", "status": "open"}, headers=headers)
        assert answer.status_code == 403
    assert client.delete(f"/cases/{case.number}/drafts/note/").status_code == 403
    assert not Event.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-out/", "/contact/"])
def test_the_doors_want_our_token_too(ana: User, billing: Queue, path: str) -> None:
    Queue.objects.update(is_public=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post(path, {"username": "ana", "password": PASSWORD}).status_code == 403
    assert client.get("/search/").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "eviltestserver"]
)
def test_a_host_we_are_not_is_refused(host: str, db: None) -> None:
    assert Client().get("/sign-in/", headers={"host": host}).status_code == 400
    spoofed = Client().get("/search/", headers={"x-forwarded-host": host})
    assert "evil" not in spoofed["Location"]


# --- foreign queues: nothing leaks, nothing changes


def test_nothing_of_a_foreign_queue_is_shown_anywhere(desk: Client, ana: User, foreign: Case, billing: Queue) -> None:
    own = make_case(billing, "Own")
    caller = Caller(ana)
    pages = [
        "/", f"/queues/{billing.pk}/?view=all", f"/queues/{foreign.queue_id}/", f"/cases/{foreign.number}/",
        f"/cases/{own.number}/others/", f"/cases/{own.number}/since/", f"/search/?q={SECRET[:5]}",
        f"/search/?q={foreign.number}", f"/cases/{foreign.number}/fragments/",
    ]  # fmt: skip
    calls = [
        "cases/", f"cases/{foreign.number}/", f"cases/{foreign.number}/messages/", f"cases/{foreign.number}/events/",
        f"search/?q={SECRET[:5]}", f"search/?q={foreign.number}", "customers/", f"customers/?q={SECRET}",
        f"customers/{foreign.customer_id}/", f"customers/{foreign.customer_id}/timeline/", "events/", "queues/",
        f"cases/?queue={foreign.queue_id}", f"cases/?customer={foreign.customer_id}",
    ]  # fmt: skip
    answers = {p: desk.get(p, follow=True) for p in pages} | {c: caller.get(c) for c in calls}
    for where, answer in answers.items():
        text = answer.content.decode().replace(f"q={SECRET[:5]}", "").replace(f'value="{SECRET[:5]}"', "")
        assert SECRET not in text, where
        assert f'"case": {foreign.number}' not in text, where


def test_the_log_over_http_tells_of_ones_own_queues_only(ana: User, ben: User, billing: Queue, foreign: Case) -> None:
    make_case(billing).set_priority("high", by=ana)
    for place, event in enumerate(Event.objects.order_by("pk"), start=1):
        Event.objects.filter(pk=event.pk).update(pos=place)
    seen = {name: Caller(user).get("events/").json()["results"] for name, user in (("ana", ana), ("ben", ben))}
    assert {e["stream_id"] for e in seen["ana"] if e["stream"] == "case"} == {Case.objects.get(queue=billing).pk}
    assert {e["case"] for e in seen["ben"] if e["stream"] == "case"} == {foreign.number}


def test_search_answers_only_whom_it_may(
    cast: SimpleNamespace, billing: Queue, technical: Queue, foreign: Case
) -> None:
    def finds(user: User) -> bool:
        return bool(search(user, SECRET[:5]) or search(user, str(foreign.number)))

    expected = {"ana": False, "lee": False, "ben": True, "sue": False, "eve": False, "root": True}
    assert {name: finds(getattr(cast, name)) for name in expected} == expected
    technical.join(cast.eve, mode="watch")
    assert finds(cast.eve)
    technical.leave(cast.eve)
    assert not finds(cast.eve)


# Who may watch what of Billing: the lines of tests/route_table.py, for the live socket. `me` is each person's own.
TOPICS = """
#          rep elsewhere lead supervisor executive watching working administrator disabled
queue      yes no        yes  yes        no        yes      yes     yes           no
case       yes no        yes  yes        no        yes      yes     yes           no
board      no  no        yes  yes        no        no       no      yes           no
customer   yes yes       yes  yes        no        yes      yes     yes           no
problem    yes yes       yes  yes        yes       yes      yes     yes           no
notice     yes yes       yes  yes        yes       yes      yes     yes           no
"""


def test_every_kind_of_topic_is_watched_only_by_those_it_is_for(
    cast: SimpleNamespace, billing: Queue, technical: Queue, carl: Customer
) -> None:
    lines = [line.split() for line in TOPICS.splitlines() if line and not line.startswith("#")]
    assert {line[0] for line in lines} == set(topics.kinds()), "add who may watch it"
    case = make_case(billing, customer=carl)
    problem = KnownProblem.declare(case=case, by=cast.sue, title="The hub restarts")
    notice = Notice.write(problem, {"en": {"subject": "Your hub", "body": "Switch it off and on."}}, by=cast.sue)
    idents = {
        "queue": billing.pk,
        "board": billing.pk,
        "case": case.number,
        "customer": carl.pk,
        "problem": problem.pk,
        "notice": notice.pk,
    }
    people = _people(cast, billing)
    for name, *expected in lines:
        topic = f"{name}.{idents[name]}"
        got = ["yes" if topics.allowed(user, [topic]) else "no" for user in people]
        assert got == expected, topic


def _people(cast: SimpleNamespace, billing: Queue) -> list[User]:
    lea, wim, wes = (make_user(n, role="staff" if n == "Lea" else "executive") for n in ("Lea", "Wim", "Wes"))
    off = make_user("Off Duty", is_active=False)
    billing.memberships.create(user=lea, role="lead")
    billing.memberships.create(user=off, role="rep")
    billing.join(wim, mode="watch")
    billing.join(wes, mode="work")
    return [cast.ana, cast.ben, lea, cast.sue, cast.eve, wim, wes, cast.root, off]


def test_nobody_names_what_is_another_persons(ana: User, lee: User) -> None:
    wanted = [topics.inside(name, lee.pk) for name in ("me", f"user.{ana.pk}", f"me.{ana.pk}")]
    assert topics.allowed(lee, wanted) == {f"user.{lee.pk}"}


# --- what every answer carries


def test_every_answer_has_the_headers_and_a_policy_without_unsafe(
    desk: Client, ana: User, billing: Queue, settings: object
) -> None:
    Queue.objects.update(is_public=True)
    case = make_case(billing)
    htmx = {"HX-Request": "true"}
    answers = [
        desk.get(p)
        for p in ("/", f"/queues/{billing.pk}/", f"/cases/{case.number}/", "/search/", "/contact/", "/sent/")
    ]
    answers += [
        desk.get(f"/queues/{billing.pk}/", headers=htmx),
        desk.get(f"/cases/{case.number}/others/", headers=htmx),
    ]
    answers += [
        desk.post(f"/cases/{case.number}/claim/", headers=htmx),
        desk.get("/nothing/here/"),
        desk.put("/search/"),
    ]
    answers += [Caller(ana).get(p) for p in ("cases/", "nothing/", "cases/0/")] + [Client().get("/api/cases/")]
    answers += [Client().get("/sign-in/"), Client().get("/sign-in/", headers={"host": "evil.example"})]
    answers += [Client(enforce_csrf_checks=True).post("/sign-in/")]
    for answer in answers:
        _is_armoured(answer)
    assert {a.status_code for a in answers} >= {200, 302, 400, 401, 403, 404, 405}


def _is_armoured(answer: object) -> None:
    where = f"{answer.request['PATH_INFO']} {answer.status_code}"  # type: ignore[attr-defined]
    headers = answer.headers  # type: ignore[attr-defined]
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy, where
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy.split("; ")), where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["X-Frame-Options"] == "DENY", where
    assert headers["Referrer-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where


def test_every_script_on_a_page_carries_this_answers_nonce_and_no_tag_has_handlers(
    desk: Client, billing: Queue
) -> None:
    Queue.objects.update(is_public=True)
    case = make_case(billing)
    for path in (f"/queues/{billing.pk}/", f"/cases/{case.number}/", "/search/", "/contact/", "/sent/", "/api/docs/"):
        page = desk.get(path)
        html, policy = page.content.decode(), page["Content-Security-Policy"]
        for script in re.findall(r"<script\b[^>]*>", html):
            nonce = re.search(r'nonce="([^"]+)"', script)
            assert 'type="application/json"' in script or (nonce and f"'nonce-{nonce[1]}'" in policy), (path, script)
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", html), path
    assert desk.get("/search/")["Content-Security-Policy"] != desk.get("/search/")["Content-Security-Policy"]


def test_presence_is_not_written_by_those_who_may_not_look(desk: Client, foreign: Case) -> None:
    desk.get(f"/cases/{foreign.number}/")
    assert not Presence.objects.exists()
