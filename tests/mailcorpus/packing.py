"""B1: how content was packed for the way, wrongly; signed, sealed and broken into lines."""

import base64

from tests.mailcorpus.case import HEAD, contains, part, parts, plain, put, says
from tests.mailcorpus.structure import PICTURE, TEXT

put(
    "B1",
    "multipart_said_to_be_base64",
    parts(TEXT, PICTURE, extra=b"Content-Transfer-Encoding: base64\n"),
    text="Hello",
    count=1,
)
put(
    "B1",
    "text_said_to_be_base64",
    plain(b"Content-Transfer-Encoding: base64\n", b"These are words, not base64: nobody packed them.\n"),
    text=contains("nobody packed"),
    faults=says("bad_encoding"),
)
put(
    "B1",
    "unknown_encoding",
    plain(b"Content-Transfer-Encoding: x-zip\n", b"As it is\n"),
    text="As it is\n",
    faults=says("unknown_encoding"),
)
put("B1", "encoding_with_a_comment", plain(b"Content-Transfer-Encoding: base64 (or so)\n", b"SGVsbG8=\n"), text="Hello")
put("B1", "binary", plain(b"Content-Transfer-Encoding: binary\n", bytes(range(1, 256)) * 4), subject="Hello")
put(
    "B1",
    "base64_with_strangers",
    plain(b"Content-Transfer-Encoding: base64\n", base64.encodebytes(b"word " * 60).replace(b"\n", b"\n!", 2)),
    text=contains("word word"),
    faults=says("bad_encoding"),
)
put(
    "B1",
    "base64_cut_off",
    plain(b"Content-Transfer-Encoding: base64\n", b"SGVsbG8gdGhlcmU"),
    text=contains("Hello ther"),
)
put(
    "B1",
    "base64_with_a_footer",
    plain(b"Content-Transfer-Encoding: base64\n", b"SGVsbG8gdGhlcmU=\n______\nA list appended this\n"),
    text="Hello there",
)
put(
    "B1",
    "base64_in_two_pieces",
    plain(b"Content-Transfer-Encoding: base64\n", b"SGVsbG8=\nIHRoZXJlIQ==\n"),
    text="Hello there!",
)
put(
    "B1",
    "quoted_printable_ends_in_equals",
    plain(b"Content-Transfer-Encoding: quoted-printable\n", b"Hello="),
    text="Hello",
)
put(
    "B1",
    "quoted_printable_broken",
    plain(b"Content-Transfer-Encoding: quoted-printable\n", b"=ZZ =1 =\n=C3=A4 100=%\n"),
    text=contains("ä", "ZZ"),
)
put(
    "B1",
    "uuencoded_in_the_text",
    plain(body=b"Before\nbegin 644 a.txt\n#86)C\n`\nend\nAfter\n"),
    text="Before\nAfter\n",
    names=["a.txt"],
    data=[b"abc"],
)
put("B1", "uuencoded_without_end", plain(body=b"Before\nbegin 644 a.txt\n#86)C\n"), text=contains("begin 644"), count=0)
put(
    "B1",
    "uuencoded_that_is_prose",
    plain(body=b"begin 644 of us\nwere there and sang\nend\n"),
    text=contains("were there"),
    count=0,
)
put(
    "B1",
    "a_million_uuencoded_beginnings",
    lambda: plain(body=b"begin 644 x\n" * 1_000_000),
    large=True,
    count=lambda n: n <= 1,
)
put("B1", "a_thousand_uuencoded_files", lambda: plain(body=b"begin 644 a\n#86)C\n`\nend\n" * 1000), count=50)
put(
    "B1",
    "winmail_dat",
    parts(
        TEXT,
        part(
            b'application/ms-tnef; name="winmail.dat"',
            base64.b64encode(b"\x78\x9f\x3e\x22" + bytes(200)),
            b"Content-Transfer-Encoding: base64\n",
        ),
    ),
    names=["winmail.dat"],
    types=["application/ms-tnef"],
)
put(
    "B1",
    "smime_opaque",
    HEAD
    + b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIAG\n",
    text="",
    names=["smime.p7m"],
)
put(
    "B1",
    "smime_signed",
    parts(
        TEXT,
        part(b"application/pkcs7-signature; name=smime.p7s", b"MIAG", b"Content-Transfer-Encoding: base64\n"),
        kind=b"signed",
    ),
    text="Hello",
    names=["smime.p7s"],
)
put(
    "B1",
    "pgp_mime",
    parts(
        part(b"application/pgp-encrypted", b"Version: 1"),
        part(b"application/octet-stream; name=e.asc", b"-----BEGIN PGP MESSAGE-----"),
        kind=b"encrypted",
    ),
    text="",
    count=2,
)
put(
    "B1",
    "pgp_inline",
    plain(
        body=b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
    ),
    text=contains("BEGIN PGP SIGNATURE"),
    count=0,
)
put(
    "B1",
    "flowed",
    plain(
        b"Content-Type: text/plain; format=flowed\n",
        b"A line that \ngoes on.\n\n> quoted \n> goes on\n>> deeper\n-- \nAnn\n",
    ),
    text="A line that goes on.\n\n> quoted goes on\n>> deeper\n-- \nAnn\n",
)
put("B1", "flowed_delsp", plain(b"Content-Type: text/plain; format=flowed; delsp=yes\n", b"wor \nd\n"), text="word\n")
