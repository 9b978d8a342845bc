"""B6: what machines send."""

from tests.mailcorpus.case import HEAD, part, parts, plain, put

REPORT = b"Reporting-MTA: dns; mx.b.example\n\nFinal-Recipient: rfc822; x@y.example\nAction: %s\nStatus: %s\nDiagnostic-Code: smtp; 550 no such user\n"


def report(action: bytes, status: bytes, extra: bytes = b"") -> bytes:
    inside = (
        part(b"text/plain", b"It did not arrive."),
        part(b"message/delivery-status", REPORT % (action, status)),
        part(b"text/rfc822-headers", b"Message-ID: <dispatch-9@c.example>\nSubject: Your case"),
    )
    return parts(*inside, kind=b"report; report-type=delivery-status", extra=extra)


put("B6", "auto_submitted", plain(b"Auto-Submitted: auto-replied\n"), auto="auto_reply")
put("B6", "precedence_bulk", plain(b"Precedence: bulk\nList-Id: <news.b.example>\n"), auto="list")
put("B6", "x_autoreply", plain(b"X-Autoreply: yes\n"), auto="auto_reply")
put("B6", "empty_return_path", plain(b"Return-Path: <>\nAuto-Submitted: auto-generated\n"), auto=lambda a: a != "")
put(
    "B6",
    "auto_submitted_behind_hundreds_of_headers",
    lambda: plain(b"X-A: b\n" * 480 + b"Auto-Submitted: auto-replied\n"),
    auto="auto_reply",
)
put(
    "B6",
    "auto_submitted_behind_much_text",
    lambda: plain(
        b"".join(b"X-%d: " % n + b"y" * 16_000 + b"\n" for n in range(100)) + b"Auto-Submitted: auto-replied\n"
    ),
    auto="auto_reply",
    large=True,
)
put(
    "B6",
    "delivery_failed",
    report(b"failed", b"5.1.1"),
    auto="bounce",
    reports=lambda rs: (
        [(r.recipient, r.action, r.status, r.original_id) for r in rs]
        == [("x@y.example", "failed", "5.1.1", "dispatch-9@c.example")]
    ),
)
put("B6", "delivery_delayed", report(b"delayed", b"4.4.1"), auto="bounce", reports=lambda rs: rs[0].action == "delayed")
put("B6", "delivered", report(b"delivered", b"2.0.0"), auto="receipt")
put(
    "B6",
    "report_of_nonsense",
    parts(
        part(b"text/plain", b"x"),
        part(b"message/delivery-status", b"\n\n\nAction: explode\n\nFinal-Recipient:\n"),
        kind=b"report; report-type=delivery-status",
    ),
    auto="bounce",
    reports=(),
)
put(
    "B6",
    "report_on_a_thousand",
    lambda: parts(
        part(b"text/plain", b"x"),
        part(
            b"message/delivery-status",
            b"Reporting-MTA: dns; x\n\n"
            + b"".join(
                b"Final-Recipient: rfc822; u%d@y.example\nAction: failed\nStatus: 5.1.1\n\n" % n for n in range(1000)
            ),
        ),
        kind=b"report; report-type=delivery-status",
    ),
    reports=lambda rs: 0 < len(rs) <= 100,
)
put(
    "B6",
    "report_packed_in_base64",
    parts(
        part(
            b"message/delivery-status",
            b"UmVwb3J0aW5nLU1UQTogZG5zOyB4CgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsgeEB5LmV4YW1wbGUKQWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo=",
            b"Content-Transfer-Encoding: base64\n",
        ),
        kind=b"report; report-type=delivery-status",
    ),
    reports=lambda rs: rs[0].recipient == "x@y.example",
)
put(
    "B6",
    "bounce_of_a_bounce",
    report(b"failed", b"5.1.1", b"Return-Path: <>\nAuto-Submitted: auto-replied\n"),
    auto="bounce",
)
put(
    "B6",
    "read_receipt",
    parts(
        part(b"text/plain", b"It was read."),
        part(
            b"message/disposition-notification",
            b"Final-Recipient: rfc822; x@y.example\nDisposition: manual-action/MDN-sent-manually; displayed\n",
        ),
        kind=b"report; report-type=disposition-notification",
    ),
    auto="receipt",
)
put(
    "B6",
    "complaint",
    parts(
        part(b"text/plain", b"A complaint."),
        part(b"message/feedback-report", b"Feedback-Type: abuse\n"),
        part(b"message/rfc822", plain()),
        kind=b"report; report-type=feedback-report",
    ),
    auto="bounce",
)
put(
    "B6",
    "bounce_without_from",
    HEAD.replace(b"From: Ann <ann@b.example>", b"From: Mail Delivery System <MAILER-DAEMON>")
    + b"Return-Path: <>\n\nUndelivered mail\n",
    auto="bounce",
    sender_sure=False,
)
put("B6", "twenty_loop_marks", plain(b"X-Loop: support@c.example\n" * 20), headers=lambda h: len(h["x-loop"]) == 20)
put(
    "B6",
    "a_hundred_received",
    plain(b"Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0100\n" * 100),
    headers=lambda h: len(h["received"]) == 100,
)
put("B6", "an_ordinary_answer", plain(b"In-Reply-To: <a@c.example>\n"), auto="", sender_sure=True)
