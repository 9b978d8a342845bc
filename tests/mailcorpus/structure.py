"""B1: what can be wrong with the way a mail is put together."""

import base64
import random

from tests.mailcorpus.case import HEAD, contains, mail, part, parts, plain, put, says

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = part(b"text/plain; charset=utf-8", b"Hello")
PICTURE = part(b"image/png", base64.encodebytes(PNG), b"Content-Transfer-Encoding: base64\n")

put("B1", "empty", b"", text="", subject="", email="", count=0, sender_sure=False)
put("B1", "one_newline", b"\n", text=lambda t: not t.strip(), count=0)
put("B1", "only_newlines", lambda: b"\r\n" * 5000, count=0, sender_sure=False)
put("B1", "ten_million_newlines", lambda: b"\n" * 10_000_000, large=True, sender_sure=False)
put("B1", "only_spaces", b" " * 1000, count=0)
put("B1", "only_nul", b"\x00" * 1000, text="")
put("B1", "only_a_boundary", b"--b--\n", text=contains("--b--"))
put(
    "B1",
    "no_headers",
    b"Just some words.\nAnd more.\n",
    text="Just some words.\nAnd more.\n",
    faults=says("no_empty_line"),
)
put("B1", "no_headers_but_a_blank_line", b"\nJust some words.\n", text=contains("Just some words."))
put("B1", "no_body", HEAD, text="", subject="Hello", sender_sure=True)
put("B1", "no_body_no_line_end", HEAD.rstrip(), subject="Hello", message_id="1@b.example")
put(
    "B1",
    "no_empty_line_before_the_body",
    HEAD + b"Hello there,\nhow are you?\n",
    subject="Hello",
    text=contains("how are you"),
)
put("B1", "headers_end_in_cr", plain().replace(b"\n", b"\r"), subject="Hello", email="ann@b.example", text="Hello\n")
put(
    "B1",
    "headers_end_in_cr_body_in_lf",
    HEAD.replace(b"\n", b"\r") + b"\rHello\nyou\n",
    subject="Hello",
    text=contains("Hello\nyou"),
)
put("B1", "bare_lf", plain(), text="Hello\n", sender_sure=True)
put("B1", "crlf", plain().replace(b"\n", b"\r\n"), text="Hello\n", sender_sure=True)
put(
    "B1",
    "mixed_line_ends",
    HEAD.replace(b"\n", b"\r\n", 2) + b"\n" + b"one\r\ntwo\nthree\rfour\n",
    text="one\ntwo\nthree\nfour\n",
)
put(
    "B1",
    "smuggled_second_mail",
    plain(body=b"Hello\n.\nMAIL FROM:<x@y.example>\r\n.\r\nDATA\r\nFrom: ceo@c.example\n\nPay\n"),
    email="ann@b.example",
    sender_sure=True,
    text=contains("Pay"),
)
put("B1", "byte_order_mark_before_it", b"\xef\xbb\xbf" + plain(), subject="Hello", sender_sure=True)
put("B1", "blank_lines_before_it", b"\r\n\r\n  \n" + plain(), subject="Hello", sender_sure=True)
put(
    "B1",
    "envelope_line_before_it",
    b"From ann@b.example Mon Mar  2 10:00:00 2026\n" + plain(),
    subject="Hello",
    text="Hello\n",
)
put(
    "B1", "quoted_envelope_line_before_it", b">From ann@b.example Mon Mar  2 10:00:00 2026\n" + plain(), subject="Hello"
)
put("B1", "fold_before_the_first_header", b" folded\n" + plain(), text=contains("Hello"))
put("B1", "not_closed", parts(TEXT, PICTURE)[:-6], text="Hello", count=1, faults=says("not_closed"))
put("B1", "cut_in_a_picture", parts(TEXT, PICTURE)[:-60], text="Hello", count=1)
put(
    "B1",
    "cut_in_the_headers_of_a_part",
    parts(TEXT, PICTURE)[: parts(TEXT, PICTURE).index(b"image/png") + 5],
    text="Hello",
)
put(
    "B1",
    "inner_not_closed",
    parts(TEXT, b'Content-Type: multipart/alternative; boundary="i"\n\n--i\n' + TEXT, PICTURE),
    count=1,
    faults=says("not_closed"),
)
put(
    "B1",
    "boundary_of_no_letters",
    HEAD + b'Content-Type: multipart/mixed; boundary=""\n\n--x\n\nHello\n--x--\n',
    text=contains("Hello"),
    faults=says("no_boundary"),
)
put(
    "B1",
    "no_boundary_named",
    HEAD + b"Content-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\nHello\n--x--\n",
    text="Hello",
)
put(
    "B1",
    "another_boundary_than_named",
    HEAD
    + b"Content-Type: multipart/mixed; boundary=a\n\n--x\nContent-Type: text/plain\n\nHello\n--x\n"
    + PICTURE
    + b"\n--x--\n",
    text="Hello",
    count=1,
)
put(
    "B1",
    "multipart_without_parts",
    HEAD + b"Content-Type: multipart/mixed; boundary=a\n\nHello there\n",
    text=contains("Hello there"),
    faults=says("no_parts"),
)
put("B1", "long_boundary", parts(TEXT, PICTURE, boundary=b"x" * 200), text="Hello", count=1)
put("B1", "very_long_boundary", parts(TEXT, boundary=b"x" * 15000))
put("B1", "boundary_of_signs", parts(TEXT, PICTURE, boundary=b".*+?[](){}|^$"), text="Hello", count=1)
put("B1", "boundary_with_a_backslash", parts(TEXT, PICTURE, boundary=b"a\\b"), text="Hello", count=1)
put("B1", "boundary_with_spaces_behind", parts(TEXT, PICTURE).replace(b"--b\n", b"--b \t \n"), text="Hello", count=1)
put(
    "B1",
    "boundary_that_begins_another",
    parts(part(b"multipart/mixed; boundary=bb", b"--bb\n" + TEXT + b"\n--bb--"), PICTURE),
    text="Hello",
    count=1,
)
put("B1", "boundary_that_ends_in_dashes", parts(TEXT, PICTURE, boundary=b"b--"), text="Hello", count=1)
put("B1", "boundary_in_bytes_of_latin1", parts(TEXT, PICTURE, boundary=b"\xfc\xe4"), text="Hello", count=1)
put(
    "B1",
    "same_boundary_within",
    parts(part(b"multipart/alternative; boundary=b", b"--b\n" + TEXT + b"\n--b--"), PICTURE),
    text="Hello",
)
put(
    "B1",
    "delimiters_back_to_back",
    HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 50 + b"\n" + b"Hello\n--b--\n",
    text=contains("Hello"),
)
put("B1", "parts_without_bytes", parts(*[b""] * 30, TEXT), text=contains("Hello"), count=0)
put(
    "B1",
    "files_without_bytes",
    parts(TEXT, part(b"image/png", b"", b"Content-Disposition: attachment; filename=a.png\n")),
    data=[b""],
    names=["a.png"],
)
put("B1", "text_after_the_end", parts(TEXT) + b"An epilogue nobody reads\n", text="Hello")
put(
    "B1",
    "alternatives_that_differ",
    parts(
        part(b"text/plain", b"We agree to 10 euros"),
        part(b"text/html", b"<p>We agree to 10,000 euros</p>"),
        kind=b"alternative",
    ),
    text="We agree to 10 euros",
    html=contains("10,000"),
)
put(
    "B1",
    "alternative_with_html_alone",
    parts(part(b"text/html", b"<p>Hello <b>you</b></p>"), kind=b"alternative"),
    text=contains("Hello you"),
    html=contains("Hello"),
)
put(
    "B1",
    "alternative_with_an_empty_text",
    parts(part(b"text/plain", b"\n \n"), part(b"text/html", b"<p>Hello you</p>"), kind=b"alternative"),
    text=contains("Hello you"),
)
put(
    "B1",
    "invitation",
    parts(
        part(b"text/plain", b"Come"),
        part(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\nEND:VCALENDAR"),
        kind=b"alternative",
    ),
    text="Come",
    types=["text/calendar"],
)
put(
    "B1",
    "amp",
    parts(
        part(b"text/plain", b"Come"),
        part(b"text/x-amp-html", b"<!doctype html><html amp4email>"),
        part(b"text/html", b"<p>Come</p>"),
        kind=b"alternative",
    ),
    text="Come",
    types=["text/x-amp-html"],
)
put(
    "B1",
    "nested_mail_kept_whole",
    parts(TEXT, part(b"message/rfc822", plain())),
    types=["message/rfc822"],
    data=[plain()],
)
put(
    "B1",
    "nested_mail_packed",
    parts(TEXT, part(b"message/rfc822", base64.encodebytes(plain()), b"Content-Transfer-Encoding: base64\n")),
    data=[plain()],
)
put("B1", "digest", parts(b"\n" + plain(), b"\n" + plain(), kind=b"digest"), types=["message/rfc822"] * 2)
put(
    "B1",
    "five_hundred_nested_mails",
    lambda: b"".join(HEAD + b"Content-Type: message/rfc822\n\n" for _ in range(500)) + plain(),
    count=1,
    subject="Hello",
)
put(
    "B1",
    "twenty_thousand_parts",
    lambda: parts(*[part(b"text/plain", b"x")] * 20_000),
    faults=says("too_many_parts"),
    subject="Hello",
    large=True,
)
put(
    "B1",
    "twenty_thousand_files",
    lambda: parts(*[part(b"image/png", b"x", b"Content-Disposition: attachment\n")] * 20_000),
    count=lambda n: 0 < n <= 200,
    large=True,
)
put(
    "B1",
    "a_preamble_of_ten_megabytes",
    lambda: (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * 2_000_000 + b"--b\n" + TEXT + b"\n--b--\n"
    ),
    text="Hello",
    large=True,
)
put(
    "B1",
    "ten_million_dashes",
    lambda: parts(part(b"text/plain", b"--\n" * 10_000_000)),
    faults=says("long_text"),
    large=True,
)
put(
    "B1",
    "a_thousand_multiparts_without_boundary",
    lambda: parts(*[b"Content-Type: multipart/mixed; boundary=zz%d\n\nx" % n for n in range(1000)]),
    faults=says("no_boundary", "too_many_parts"),
)
put(
    "B1",
    "two_content_types",
    plain(b"Content-Type: text/plain\nContent-Type: text/html\n", b"<b>Hello</b>\n"),
    text=contains("<b>"),
)
put("B1", "content_type_of_nonsense", plain(b"Content-Type: ;;;=;/;\n"), text="Hello\n")
put("B1", "content_type_without_subtype", plain(b"Content-Type: text\n"), text="Hello\n")
put("B1", "content_type_unknown", plain(b"Content-Type: x-unknown/whatever\n"), text="", types=["x-unknown/whatever"])
put(
    "B1",
    "external_body",
    parts(
        TEXT,
        part(b'message/external-body; access-type=URL; URL="http://169.254.169.254/"', b"Content-Type: text/html\n\n"),
    ),
    types=["message/external-body"],
)
put(
    "B1",
    "message_partial",
    plain(b"Content-Type: message/partial; id=1; number=1; total=3\n"),
    types=["message/partial"],
)
put(
    "B1",
    "text_of_two_megabytes",
    lambda: plain(body=b"Lots of words\n" * 150_000),
    faults=says("long_text"),
    count=1,
    text=lambda t: len(t.encode()) <= 1024 * 1024,
    large=True,
)
put("B1", "one_line_of_ten_megabytes", lambda: plain(body=b"x" * 10_000_000), faults=says("long_text"), large=True)
put(
    "B1",
    "flowed_of_ten_megabytes",
    lambda: plain(b"Content-Type: text/plain; format=flowed\n", b"> a \n" * 2_000_000),
    large=True,
)
put(
    "B1",
    "quotes_a_thousand_deep",
    lambda: plain(b"Content-Type: text/plain; format=flowed\n", b">" * 1000 + b" a\n"),
    text=contains("a"),
)


def nested(depth: int) -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return HEAD + opened + TEXT + b"".join(b"\n--b%d--\n" % n for n in reversed(range(depth)))


put("B1", "nested_twenty_deep", lambda: nested(20), text="Hello", faults=())
for depth in (21, 100, 1000, 5000):
    put(
        "B1",
        f"nested_{depth}_deep",
        lambda depth=depth: nested(depth),
        faults=says("too_deep"),
        subject="Hello",
        count=lambda n: n >= 1,
    )


@mail("B1", subject="Hello")
def bytes_at_random() -> bytes:
    return plain(body=random.Random(7).randbytes(200_000))


@mail("B1")
def headers_at_random() -> bytes:
    return random.Random(8).randbytes(100_000)
