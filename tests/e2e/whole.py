"""The house on real mail, for a story: an IMAP server customers write to, a mail server they read from, `serve` between."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from cases.models import Queue
from crm.models import User
from customers.models import Customer
from tests import look, processes
from tests.imapserver import USERS, ImapServer, Pymap
from tests.mailboxes import make_mailbox
from tests.realdata.outside import Post, post_office

PATIENCE = 60_000  # milliseconds: a loaded machine; how fast it is, the mailbox's own tests say


@dataclass
class House:
    """What happens outside, and the screens inside."""

    url: str
    imap: ImapServer
    post: Post
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    # --- a customer's side

    def write(self, customer: Customer, subject: str, text: str, *, under: EmailMessage | None = None) -> None:
        """A mail to the house; `under` one of ours, as a mail program answers it."""
        mail = EmailMessage()
        address = customer.contact_points.get(kind="email").value
        mail["From"], mail["Subject"] = f"{customer.name} <{address}>", subject
        mail["To"] = USERS[0] if under is None else str(under["Reply-To"])
        mail["Message-ID"] = f"<{abs(hash((subject, text, address)))}@{address.partition('@')[2]}>"
        if under is not None:
            mail["In-Reply-To"] = mail["References"] = str(under["Message-ID"])
            quoted = "\n".join(f"> {line}" for line in words(under).splitlines())
            text = f"{text}\n\nOn Tue, 3 Nov 2026 at 14:02, Brightwave wrote:\n\n{quoted}"
        mail.set_content(text)
        self.imap.append(mail.as_bytes())

    def received(self, customer: Customer) -> list[EmailMessage]:
        """Every mail this customer got from us, in order."""
        address = customer.contact_points.get(kind="email").value
        return [mail for mail in list(self.post.mails) if address in str(mail["To"])]

    def await_mail(self, customer: Customer, number: int) -> EmailMessage:
        """The customer's mail of this number (from 1), once it is there."""
        processes.wait_until(lambda: len(self.received(customer)) >= number, 60, f"mail {number} to {customer}")
        return self.received(customer)[number - 1]

    # --- a screen

    def screen(self, user: User, path: str) -> Page:
        """What this person sees, live; whatever the browser complains about is kept."""
        page = self.browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        look.sign_in(page, self.url, user.username, "correct horse battery")
        page.goto(self.url + path)
        alive(page)
        return page


def alive(page: Page) -> None:
    """Its scripts run and it hears of what happens: what is pressed earlier may be pressed in vain, faster than any hand."""
    expect(page.locator("body")).to_have_attribute("data-live", "on", timeout=PATIENCE)


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


@contextmanager
def house(browser: Browser, queue: Queue) -> Iterator[House]:
    """Everything running; the queue's mail is fetched. What a browser complained about fails the story at its end."""
    folder = Path(tempfile.mkdtemp(prefix="forefront-story-"))
    imap = Pymap(folder)
    imap.start()
    box = make_mailbox(imap, queue, address=USERS[0])
    type(box).objects.filter(pk=box.pk).update(lease_owner="", lease_until=None)
    try:
        with post_office() as post:
            env = {
                "DJANGO_SETTINGS_MODULE": "tests.realdata.settings",
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(post.port),
                "SEND_UNDO_SECONDS": "1",
            }
            with processes.serve("--no-demo", "--workers", "1", seconds=120, **env) as server:
                opened = House(server.url, imap, post, browser)
                yield opened
                assert opened.complaints == []
    finally:
        imap.stop()
        shutil.rmtree(folder, ignore_errors=True)
