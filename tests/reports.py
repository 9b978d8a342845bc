"""Delivery reports as mail servers write them."""

from cases.mail import ids
from cases.models import Dispatch


def bounced(dispatch: Dispatch, *, to: str, named: bool) -> bytes:
    """A delivery report; `named`: it returns the head of our mail."""
    head = (
        f"From: Mail Delivery System <mailer-daemon@mx.example.org>\r\nTo: {to}\r\nSubject: Undelivered\r\n"
        "Message-ID: <b1@mx.example.org>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    )
    parts = [
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n",
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {dispatch.address}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n",
    ]
    if named:
        parts.append(f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ids.message_id(dispatch)}\r\n")
    return (head + "".join(parts) + "--b--\r\n").encode()
