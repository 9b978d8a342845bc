"""B5: mails that want into a conversation that is not theirs. Reading only has to say plainly what they claim; whom to
believe is decided by intake."""

from tests.mailcorpus.case import contains, part, parts, plain, put

put(
    "B5",
    "another_cases_number_in_the_subject",
    plain().replace(b"Hello\n", b"Re: [#4711] Hello\n", 1),
    subject="Re: [#4711] Hello",
)
put(
    "B5",
    "reply_to_elsewhere",
    plain(b"Reply-To: Mallory <m@evil.example>\n"),
    email="ann@b.example",
    reply_to=lambda people: [p.email for p in people] == ["m@evil.example"],
)
put(
    "B5",
    "forty_one_in_cc",
    plain(b"Cc: " + b", ".join(b"u%d@b.example" % n for n in range(41)) + b"\n"),
    cc=lambda people: len(people) == 41,
)
put(
    "B5",
    "references_of_strangers",
    plain(b"In-Reply-To: <case-1@other.example>\nReferences: <a@other.example>\n <case-1@other.example>\n"),
    references=("a@other.example", "case-1@other.example"),
    in_reply_to=("case-1@other.example",),
)
put(
    "B5",
    "three_in_reply_to",
    plain(b"In-Reply-To: <a@b.example> <c@d.example>\n <e@f.example>\n"),
    in_reply_to=("a@b.example", "c@d.example", "e@f.example"),
)
put(
    "B5",
    "in_reply_to_of_old_mailers",
    plain(b'In-Reply-To: Your message of "Mon, 2 Mar 2026" <a@b.example>\n'),
    in_reply_to=("a@b.example",),
)
put(
    "B5",
    "headers_of_another_mail_in_the_body",
    plain(body=b"From: ceo@c.example\nSubject: Pay\n\nPay now\n"),
    email="ann@b.example",
    subject="Hello",
    text=contains("From: ceo@c.example"),
)
put(
    "B5",
    "headers_of_another_mail_in_a_part",
    parts(b"From: ceo@c.example\nSubject: Pay\nContent-Type: text/plain\n\nHello"),
    email="ann@b.example",
    subject="Hello",
    sender_sure=True,
)
put(
    "B5",
    "sender_of_a_nested_mail",
    parts(part(b"message/rfc822", b"From: ceo@c.example\nSubject: Pay\n\nPay")),
    email="ann@b.example",
    subject="Hello",
)
put(
    "B5",
    "authentication_results_forged",
    plain(b"Authentication-Results: mx.c.example; dmarc=pass header.from=b.example\n"),
    headers=lambda h: "authentication-results" in h,
)
put("B5", "sender_and_from_differ", plain(b"Sender: mallory@evil.example\n"), email="ann@b.example", sender_sure=True)
put("B5", "resent", plain(b"Resent-From: mallory@evil.example\n"), email="ann@b.example")
put(
    "B5",
    "our_own_address_everywhere",
    plain().replace(b"ann@b.example", b"support@c.example"),
    email="support@c.example",
)
put(
    "B5",
    "id_of_somebody_else",
    plain().replace(b"1@b.example", b"dispatch-1@c.example"),
    message_id="dispatch-1@c.example",
)
