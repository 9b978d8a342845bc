"""B2: what can be wrong with headers, and who says to have sent it."""

from tests.mailcorpus.case import HEAD, contains, part, parts, plain, put, says

REST = (
    b"To: support@c.example\nSubject: Hello\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nMessage-ID: <1@b.example>\n\nHello\n"
)


def by(sender: bytes, rest: bytes = REST) -> bytes:
    return b"From: " + sender + b"\n" + rest


def said(subject: bytes) -> bytes:
    return b"From: Ann <ann@b.example>\nSubject: " + subject + b"\n\nHello\n"


def dated(when: bytes) -> bytes:
    return b"From: Ann <ann@b.example>\nDate: " + when + b"\n\nHello\n"


def known_as(message_id: bytes) -> bytes:
    return b"From: Ann <ann@b.example>\nMessage-ID: " + message_id + b"\n\nHello\n"


put("B2", "no_from", REST, email="", sender_sure=False, subject="Hello")
put("B2", "two_froms", by(b"ann@b.example", by(b"ceo@c.example")), sender_sure=False)
put("B2", "two_equal_froms", by(b"ann@b.example", by(b"ann@b.example")), sender_sure=False, email="ann@b.example")
put("B2", "from_with_two", by(b"ann@b.example, ceo@c.example"), sender_sure=False)
put("B2", "from_with_two_angles", by(b"Evil <ann@b.example> <ceo@c.example>"), sender_sure=False)
put("B2", "from_with_address_before_angle", by(b"ceo@c.example <ann@b.example>"), sender_sure=False)
put(
    "B2",
    "from_with_its_own_address_as_name",
    by(b"ann@b.example <ann@b.example>"),
    sender_sure=True,
    email="ann@b.example",
)
put(
    "B2",
    "name_is_another_address",
    by(b'"ceo@c.example" <ann@b.example>'),
    email="ann@b.example",
    named="ceo@c.example",
    sender_sure=True,
)
put(
    "B2",
    "name_holds_another_address",
    by(b'"Ceo <ceo@c.example>" <ann@b.example>'),
    email="ann@b.example",
    sender_sure=True,
)
put("B2", "comment_holds_another_address", by(b"ann@b.example (<ceo@c.example>)"), email="ann@b.example")
put("B2", "open_comment_holds_another_address", by(b"ann@b.example(<ceo@c.example>"), sender_sure=False)
put("B2", "two_ats", by(b"ann@b.example@c.example"), sender_sure=False)
put("B2", "quoted_at", by(b'"ann@c.example"@b.example'), email='"ann@c.example"@b.example')
put("B2", "encoded_address", by(b"=?utf-8?q?Ann_=3Cann=40b=2Eexample=3E?="), email="ann@b.example", sender_sure=False)
put(
    "B2",
    "encoded_name_with_angle",
    by(b"=?utf-8?q?=3Cceo=40c=2Eexample=3E?= <ann@b.example>"),
    email="ann@b.example",
    sender_sure=True,
)
put(
    "B2",
    "encoded_line_end_in_name",
    by(b"=?utf-8?q?Ann=0D=0ABcc=3A_x=40y=2Eexample?= <ann@b.example>"),
    named="Ann Bcc: x@y.example",
    email="ann@b.example",
)
put("B2", "from_empty", by(b""), email="", sender_sure=False)
put("B2", "from_nobody", by(b"<>"), email="", sender_sure=False)
put("B2", "from_without_address", by(b"Whoever"), email="", named="Whoever", sender_sure=False)
put("B2", "from_in_a_group", by(b"Friends: ann@b.example;"), email="ann@b.example", sender_sure=False)
put("B2", "from_undisclosed", by(b"Undisclosed:;"), email="", sender_sure=False)
put("B2", "from_quoted_whole", by(b'"ann@b.example"'), email="ann@b.example", sender_sure=False)
put("B2", "from_with_trailing_comma", by(b"ann@b.example,"), email="ann@b.example")
put("B2", "from_with_spaces", by(b"Ann < ann @ b.example >"), email="ann@b.example", sender_sure=False)
put("B2", "from_not_closed", by(b"Ann <ann@b.example"), email="ann@b.example", sender_sure=False)
put("B2", "from_with_route", by(b"Ann <@x.example,@y.example:ann@b.example>"), sender_sure=False)
put("B2", "from_with_nul", by(b"Ann <ann\x00@b.example>"), sender_sure=False)
put("B2", "from_with_direction_marks", by("Ann <ann\u202e@b.example>".encode()), sender_sure=False)
put("B2", "five_thousand_brackets", by(b"(" * 5000 + b"ann@b.example"), sender_sure=False)
put("B2", "five_thousand_closed_brackets", by(b"(" * 5000 + b")" * 5000 + b" ann@b.example"), email="ann@b.example")
put("B2", "from_folded_in_the_middle", by(b"Ann\n <ann@b.example>"), email="ann@b.example", sender_sure=True)
put("B2", "from_at_a_literal", by(b"ann@[192.0.2.1]"), email="ann@[192.0.2.1]")
put("B2", "from_with_plus_and_case", by(b"Ann <Ann+Tag@B.Example>"), email="Ann+Tag@B.Example", sender_sure=True)
put(
    "B2", "from_with_a_quoted_local_part", by(b'"ann smith"@b.example'), email='"ann smith"@b.example', sender_sure=True
)
put("B2", "from_with_a_trailing_dot", by(b"ann@b.example."), sender_sure=False)
put(
    "B2",
    "from_idn",
    by("Jörg <jörg@bücher.example>".encode()),
    email="jörg@bücher.example",
    named="Jörg",
    sender_sure=True,
)
put("B2", "from_punycode", by(b"<ann@xn--bcher-kva.example>"), email="ann@xn--bcher-kva.example", sender_sure=True)
put("B2", "from_homograph", by("Ann <ann@ехample.com>".encode()), sender_sure=True)
put("B2", "from_of_sixty_kilobytes", by(b"a" * 60_000 + b"@b.example"), sender_sure=False, faults=says("long_header"))
put("B2", "from_hidden_behind_a_long_one", by(b"ann@b.example," * 5000), sender_sure=False)
put(
    "B2",
    "from_after_fifty_thousand_headers",
    lambda: b"X-A: b\n" * 50_000 + by(b"ann@b.example"),
    sender_sure=False,
    faults=says("too_many_headers"),
)
put(
    "B2",
    "second_from_after_five_hundred",
    lambda: by(b"ann@b.example", b"X-A: b\n" * 600 + by(b"ceo@c.example")),
    sender_sure=False,
    email="ann@b.example",
)
put("B2", "a_header_name_of_a_megabyte", lambda: b"X" * 1_000_000 + b": y\n" + by(b"ann@b.example"))
put("B2", "a_colon_before_everything", b": nothing\n" + plain(), text=contains("Hello"))
put(
    "B2",
    "spaces_before_the_colon",
    plain().replace(b"From:", b"From :").replace(b"Subject:", b"Subject\t:"),
    email="ann@b.example",
    subject="Hello",
)
put(
    "B2",
    "names_in_capitals",
    plain().replace(b"From", b"FROM").replace(b"Subject", b"SUBJECT"),
    email="ann@b.example",
    subject="Hello",
)
put(
    "B2",
    "nonsense_between_headers",
    HEAD + b"nonsense without a colon\nX-A: b\nContent-Type: text/html\n\n<b>Hi</b>",
    html=contains("Hi"),
    faults=says("odd_header"),
)

put("B2", "no_subject", b"From: ann@b.example\n\nHello\n", subject="")
put("B2", "subject_of_spaces", said(b"   "), subject="")
put("B2", "two_subjects", said(b"One\nSubject: Two"), subject="One")
put(
    "B2",
    "subject_of_64_kilobytes",
    lambda: said(b"word " * 13_000),
    faults=says("long_header"),
    subject=lambda s: len(s) <= 16 * 1024,
)
put(
    "B2",
    "subject_of_five_megabytes",
    lambda: said(b"x" * 5_000_000),
    faults=says("long_header"),
    text="Hello\n",
    large=True,
)
put(
    "B2",
    "subject_of_twenty_thousand_words",
    lambda: said(b" ".join([b"=?utf-8?q?a?="] * 20_000)),
    faults=says("long_header"),
)
put("B2", "subject_folded_ten_thousand_times", lambda: said(b"a" + b"\n b" * 10_000), faults=says("long_header"))
put("B2", "subject_encoded_in_an_encoding", said(b"=?utf-8?b?PT91dGYtOD9xP2E/PQ==?="), subject="=?utf-8?q?a?=")
put("B2", "subject_with_a_split_letter", said(b"=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?="), subject="Jürgen")
put("B2", "subject_with_words_in_quotes", said(b'"=?utf-8?q?J=C3=BCrgen?="'), subject='"Jürgen"')
put("B2", "subject_with_spaces_in_a_word", said(b"=?utf-8?q?a few words?="), subject="a few words")
put("B2", "subject_with_a_folded_word", said(b"=?utf-8?q?one\n _two?="), subject="one two")
put("B2", "subject_with_a_question_mark", said(b"=?utf-8?q?How?_Why?_?="), subject="How? Why?")
put("B2", "subject_with_a_word_that_never_ends", said(b"=?utf-8?q?Hello there"), subject="=?utf-8?q?Hello there")
put("B2", "subject_glued_to_a_word", said(b"[SPAM]=?utf-8?q?Hello?="), subject="[SPAM] Hello")
put("B2", "subject_with_glued_letters", said(b"St=?utf-8?q?=C3=B6?=rung"), subject="Störung")
put("B2", "subject_in_base64_without_padding", said(b"=?utf-8?b?SGVsbG8?="), subject="Hello")
put("B2", "subject_in_broken_base64", said(b"=?utf-8?b?SGVs!bG8=?="), subject="Hello")
put("B2", "subject_with_a_language", said(b"=?iso-8859-1*de?q?=FCber?="), subject="über")
put("B2", "subject_in_raw_utf8", said("Grüße".encode()), subject="Grüße")
put("B2", "subject_in_raw_latin1", said(b"Gr\xfc\xdfe"), subject="Gr\ufffd\ufffde")
put("B2", "subject_of_controls", said(b"a\x00b\x07c\x1b[31md\x7fe"), subject=lambda s: s.isprintable())
put("B2", "subject_with_a_carriage_return", said(b"Hello\rBcc: x@y.example"), subject="Hello Bcc: x@y.example")
put(
    "B2",
    "subject_with_encoded_line_ends",
    said(b"=?utf-8?q?Hello=0D=0ABcc:_x=40y.example?="),
    subject="Hello Bcc: x@y.example",
)
put("B2", "subject_with_separators", said("a\u2028b\u2029c\x85d".encode()), subject="a b c d")
put("B2", "subject_with_half_a_surrogate", said(b"=?utf-7?q?+2AA-?="), subject=lambda s: "\ud800" not in s)

put(
    "B2",
    "forty_thousand_ids",
    lambda: plain(b"References: " + b" ".join(b"<%d@b.example>" % n for n in range(40_000)) + b"\n"),
    references=lambda ids: 0 < len(ids) <= 100 and ids[-1] == "39999@b.example",
)
put(
    "B2",
    "references_without_brackets",
    plain(b"References: a@b.example c@d.example\n"),
    references=("a@b.example", "c@d.example"),
)
put("B2", "references_of_nonsense", plain(b"References: <<<>>> <a b> <\x00>\n"), references=lambda ids: all(ids))
put(
    "B2",
    "a_hundred_thousand_recipients",
    lambda: HEAD + b"Cc: " + b",\n ".join(b"u%d@b.example" % n for n in range(100_000)) + b"\n\nHello\n",
    cc=lambda people: len(people) == 200,
    subject="Hello",
    large=True,
)
put(
    "B2",
    "fifty_thousand_parameters",
    lambda: plain(b"Content-Type: text/plain" + b"; a=b" * 50_000 + b"\n"),
    text="Hello\n",
)
put(
    "B2",
    "twenty_thousand_name_pieces",
    lambda: parts(
        part(
            b"image/png",
            b"x",
            b"Content-Disposition: attachment" + b"".join(b";\n filename*%d=a" % n for n in range(20_000)) + b"\n",
        )
    ),
    count=1,
)
put(
    "B2",
    "name_in_pieces_out_of_order",
    parts(part(b"image/png", b"x", b"Content-Disposition: attachment; filename*1*=%BC.png; filename*0*=utf-8''b%C3\n")),
    names=["bü.png"],
)
put(
    "B2",
    "two_hundred_headers_of_sixteen_kilobytes",
    lambda: plain(b"".join(b"X-%d: " % n + b"y" * 16_000 + b"\n" for n in range(200))),
    subject="Hello",
    headers=lambda h: sum(len(v) for vs in h.values() for v in vs) <= 600_000,
    large=True,
)

for name, when, is_right in (
    ("none", b"", None),
    ("of_words", b"yesterday", None),
    ("in_the_year_20255", b"Wed, 1 Jan 20255 00:00:00 +0000", None),
    ("in_a_zone_of_9999", b"Wed, 1 Jan 2025 00:00:00 +9999", None),
    ("at_the_end_of_time", b"Fri, 31 Dec 9999 23:59:59 -1200", None),
    ("on_30_february", b"Mon, 30 Feb 2026 10:00:00 +0000", None),
    ("of_iso", b"2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00+00:00"),
    ("with_a_comment", b"Mon, 2 Mar 2026 (or (about)) 10:00:00 +0100 (CET)", "2026-03-02T09:00:00+00:00"),
    ("without_zone", b"Mon, 2 Mar 2026 10:00:00", "2026-03-02T10:00:00+00:00"),
    ("in_ten_years", b"Mon, 2 Mar 2036 10:00:00 +0000", "2036-03-02T10:00:00+00:00"),
    ("of_a_megabyte", b"1" * 1_000_000, None),
):
    wanted = is_right
    put("B2", f"date_{name}", dated(when), date=lambda d, w=wanted: (d.isoformat() if d else None) == w)

put("B2", "no_message_id", b"From: ann@b.example\n\nHello\n", message_id="")
put("B2", "empty_message_id", known_as(b"<>"), message_id="")
put("B2", "two_message_ids", known_as(b"<1@b.example>\nMessage-ID: <2@b.example>"), message_id="1@b.example")
put(
    "B2",
    "message_id_of_ten_kilobytes",
    known_as(b"<" + b"x" * 10_000 + b"@b.example>"),
    message_id=lambda i: len(i) == 998,
)
put("B2", "message_id_with_spaces", known_as(b"<1 2 @ b.example >"), message_id="12@b.example")
put("B2", "message_id_without_brackets", known_as(b"1@b.example"), message_id="1@b.example")
put("B2", "message_id_folded", known_as(b"\n <1@b.example>"), message_id="1@b.example")
put(
    "B2",
    "our_own_headers_forged",
    plain(b"X-Case-Id: 7\nX-Forefront-Case: 7\nX-Priority: 1\nAuthentication-Results: c.example; dmarc=pass\n"),
    subject="Hello",
    email="ann@b.example",
)
put("B2", "language_of_nonsense", plain(b"Content-Language: <script>, de\n"), language="")
put("B2", "language", plain(b"Content-Language: de-DE, en\n"), language="de-DE")
