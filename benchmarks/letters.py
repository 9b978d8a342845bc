"""Mails as customers write them: text and HTML of the same words with what was said before, and a PDF; about 60 kB."""

import random
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from django.utils import timezone

SENDERS = 8
PDF = 41_000  # bytes; a third more as base64
_SAID = (
    "On Monday you took the money for the fibre line twice from my account, once on the 2nd and once on the 4th.",
    "I rang on Tuesday and was told that it would be paid back within three days; it was not.",
    "The router blinks red since then, although I have restarted it and changed the cable.",
    "Please tell me by Friday what happens next. The invoice is attached.",
    "Számlámat kétszer terhelték meg, kérem, nézzenek utána.",
)
_BEFORE = "Thank you for writing to us. We look into it and write to you again."


def sender(n: int) -> str:
    return f"customer{n % SENDERS}@sender{n % SENDERS}.example"


def letter(n: int, *, to: str = "help@brightwave.example", by: str = "") -> bytes:
    """The n-th mail: no two have the same id, words or file. Of its sender, or of somebody else who is a customer."""
    dice = random.Random(n)
    said = [f"This is about contract {dice.randrange(10**9)}.", *dice.sample(_SAID, 4)]
    mail = EmailMessage()
    mail["Received"] = "from mx.sender.example (mx.sender.example [192.0.2.7]) by mx.brightwave.example with ESMTPS"
    mail["From"] = f"Customer Number{n % SENDERS} <{by or sender(n)}>"
    mail["To"] = f"Brightwave <{to}>"
    mail["Subject"] = f"Double charge on invoice {n}"
    mail["Date"] = format_datetime(timezone.now())
    mail["Message-ID"] = make_msgid(f"bench{n}", domain="sender.example")
    mail.set_content("\n\n".join(["Hello,", *said, "Kind regards\nA customer", _quoted()]))
    mail.add_alternative(_html(said), subtype="html")
    mail.add_attachment(_pdf(dice), maintype="application", subtype="pdf", filename=f"invoice-{n}.pdf")
    return mail.as_bytes()


def _quoted() -> str:
    return f"On Mon, 2 Mar 2026 at 09:00, Brightwave <help@brightwave.example> wrote:\n> {_BEFORE}\n> -- \n> Brightwave"


def _html(said: list[str]) -> str:
    words = "".join(f'<p style="margin:0 0 12px">{line}</p>' for line in said)
    return (
        "<html><head><style>p { font-family: sans-serif }</style></head><body><div dir='ltr'>"
        f"<p>Hello,</p>{words}<p>Kind regards<br>A customer</p></div><div class='gmail_quote'>"
        "<div class='gmail_attr'>On Mon, 2 Mar 2026 at 09:00, Brightwave &lt;help@brightwave.example&gt; wrote:</div>"
        f"<blockquote>{_BEFORE}<br>Brightwave</blockquote></div></body></html>"
    )


def _pdf(dice: random.Random) -> bytes:
    """What a scanned page is made of: a little structure around bytes that nothing packs smaller."""
    stream = dice.randbytes(PDF)
    head = (
        b"%PDF-1.4\n1 0 obj\n<</Type/XObject/Subtype/Image/Filter/DCTDecode/Length "
        + str(PDF).encode()
        + b">>\nstream\n"
    )
    return head + stream + b"\nendstream\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
