"""Mails of the usual kinds, read some times before the first fork: what is compiled, cached and imported while they are
read is there in every child."""

from cases.mail import charsets

ROUNDS = 8
_LABELS = (
    "utf-8 cp1252 iso8859-15 iso8859-2 cp1250 cp1251 koi8-r gb18030 big5 shift_jis iso-2022-jp euc-kr utf-7 utf-16"
)

_HEAD = b"""Return-Path: <a@b.example>
Received: from mail.b.example (mail.b.example [192.0.2.1])
\tby mx.c.example with ESMTPS id 1; Mon, 2 Mar 2026 10:00:00 +0100 (CET)
From: =?utf-8?q?J=C3=BCrgen?= Example <a@b.example>
To: "Support, Example" <support@c.example>
Cc: d@e.example
Subject: =?iso-8859-1?q?=C4nderung?= of my contract
Date: Mon, 2 Mar 2026 10:00:00 +0100
Message-ID: <1@b.example>
In-Reply-To: <0@c.example>
References: <0@c.example> <00@c.example>
Content-Language: de
MIME-Version: 1.0
"""
_ANSWER = b"""Content-Type: multipart/mixed; boundary="=_outer"

--=_outer
Content-Type: multipart/alternative; boundary="=_inner"

--=_inner
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable

Thank you, =C3=BC that \nworks.

On Mon, 2 Mar 2026 at 09:00, Support <support@c.example> wrote:
> Please try it again.
> -- \n> Support

-- \nJ=C3=BCrgen
--=_inner
Content-Type: text/html; charset="iso-8859-1"
Content-Transfer-Encoding: quoted-printable

<html><head><style>p {}</style></head><body><p>Thank you, =FC <b>that</b> works.<br><img src=3D"cid:1@b">
<a href=3D"https://b.example/">b.example</a><div class=3D"gmail_quote"><blockquote>Please try it again.</blockquote></div>
<table><tr><td>1</td></tr></table></body></html>
--=_inner--
--=_outer
Content-Type: image/png; name="=?utf-8?q?=C3=BC.png?="
Content-Disposition: inline; filename*=utf-8''%C3%BC.png
Content-ID: <1@b>
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--=_outer--
"""
_BOUNCE = b"""Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; b.example

Final-Recipient: rfc822; x@y.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 unknown
--b
Content-Type: text/rfc822-headers

Message-ID: <9@c.example>
--b--
"""
_PLAIN = b"""Content-Type: text/plain; charset=windows-1252
Content-Transfer-Encoding: 8bit

My number is 123, call me in the caf\xe9.

begin 644 a.txt
#86)C
`
end
-----Original Message-----
From: Support
Sent: Monday
To: a@b.example
Subject: x

Text
"""
MAILS = tuple(_HEAD + rest for rest in (_ANSWER, _BOUNCE, _PLAIN, b"Content-Type: text/html\n\n<p>Words alone</p>"))


def charsets_in_use() -> None:
    for label in _LABELS.split():
        charsets.decode(b"\xe4", label)
