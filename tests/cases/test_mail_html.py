"""HTML of strangers: nothing of it runs, loads or calls, and its words stay readable."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cases.mail.html import TAGS, as_text, harmless
from cases.mail.quoting import folds


class Seen(HTMLParser):
    """The tags and attributes of an HTML text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)


def test_what_people_write_stays() -> None:
    html = "<p>Hello <b>there</b>,</p><ul><li>one<li>two</ul><table><tr><td colspan=2>a<td>b</table>"

    assert harmless(html) == (
        "<p>Hello <b>there</b>,</p><ul><li>one</li><li>two</li></ul>"
        '<table><tbody><tr><td colspan="2">a</td><td>b</td></tr></tbody></table>'
    )


def test_links_lead_out_of_the_house_only() -> None:
    assert harmless('<a href="https://example.org/a?b=1&amp;c=2">x</a>') == (
        '<a href="https://example.org/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer nofollow">x</a>'
    )
    for href in (
        "/admin/logout/",
        "//evil.example/",
        "logout/",
        "?x=1",
        "#top",
        "",
        "https:",
        "https:///x",
        "http://[::1",
        "ftp://x.y/",
    ):
        assert "href" not in harmless(f'<a href="{href}">x</a>'), href


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java&#10;script:alert(1)",
        "&#106;avascript:alert(1)", "\x01javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)",
        "blob:https://x", "file:///etc/passwd", "view-source:x", "jar:x", "filesystem:x", "about:blank", "intent://x",
        "javascript&colon;alert(1)", "javascript&#x3A;alert(1)", "http:javascript:alert(1)",
    ],
)  # fmt: skip
def test_no_other_scheme_is_a_link(href: str) -> None:
    assert "script" not in harmless(f'<a href="{href}">x</a>').replace("noreferrer", "")
    assert "href" not in harmless(f"<a href='{href}'>x</a>")


def test_pictures_wait_and_those_of_the_mail_are_named() -> None:
    html = harmless(
        '<img src="https://t.example/1.gif?u=ana" alt="Logo" width=10><img SRC="cid:a@b"><img src="data:image/png;base64,AAAA">'
    )

    assert " src=" not in html
    assert 'data-remote="https://t.example/1.gif?u=ana"' in html
    assert 'data-cid="a@b"' in html
    assert "base64" not in html


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="/admin/logout/">', '<img src="//host/x.png">', '<img srcset="https://x.example/1 2x">', '<body background="https://x.example/">',
        '<table background="https://x.example/">', '<video poster="https://x.example/" src="https://x.example/"></video>',
        '<blockquote cite="https://x.example/">', '<a ping="https://x.example/">', '<iframe src="https://x.example/"></iframe>',
        '<object data="https://x.example/"></object>', '<embed src="https://x.example/">', '<link rel=stylesheet href="https://x.example/">',
        '<meta http-equiv=refresh content="0;url=https://x.example/">', '<base href="https://x.example/">', '<style>@import "https://x.example/"</style>',
        '<p style="background:url(https://x.example/)">', '<form action="https://x.example/"><input name=csrfmiddlewaretoken></form>',
        '<button formaction="https://x.example/">', '<svg><image href="https://x.example/"/></svg>', '<math href="https://x.example/">',
        '<input type=image src="https://x.example/">', '<audio src="https://x.example/">', '<source src="https://x.example/">',
        '<frameset><frame src="https://x.example/">', '<applet code="https://x.example/">', '<isindex action="https://x.example/">',
    ],
)  # fmt: skip
def test_nothing_else_loads_or_sends(tag: str) -> None:
    html = harmless(f"words {tag} words")

    assert "x.example" not in html.replace('data-remote="https://x.example/"', "")
    assert "admin" not in html
    assert "<form" not in html
    assert "<input" not in html


def test_names_ids_classes_and_handlers_of_frameworks_go() -> None:
    html = harmless(
        '<p id=a name=b class=c style="x" onclick="x()" hx-get="/" data-hx-post="/" x-data="{}" v-on:click="x" data-x=1>y</p>'
    )

    assert html == "<p>y</p>"


def test_nobody_else_says_that_a_link_leads_elsewhere() -> None:
    assert "elsewhere" not in harmless('<a href="https://a.example/" data-elsewhere="bank.example">x</a>')


@pytest.mark.parametrize(
    ("words", "href", "host"),
    [
        ("https://bank.example/login", "https://evil.example/", "evil.example"),
        ("bank.example", "https://evil.example/", "evil.example"),
        ("www.bank.example", "https://bank.example/x", ""),
        ("bank.example", "http://www.bank.example/", ""),
        ("bank&#8203;.example", "https://evil.example/", "evil.example"),
        ("click here", "https://evil.example/", ""),
        ("bank.example", "https://bank.example@evil.example/", "evil.example"),
        ("pаypal.example", "https://pаypal.example/", "xn--pypal-4ve.example"),
        ("Version 2.0", "https://a.example/", ""),
        ("please see report.pdf", "https://a.example/report.pdf", ""),
        ("https://bank.example/login", "https://bank.example/login", ""),
        ("<b>bank</b>.example", "https://evil.example/", "evil.example"),
    ],
)
def test_a_link_that_shows_another_address_is_marked(words: str, href: str, host: str) -> None:
    html = harmless(f'<a href="{href}">{words}</a>')

    assert (f'data-elsewhere="{host}"' in html) is bool(host)
    assert host or "data-elsewhere" not in html


def test_characters_that_turn_the_direction_go() -> None:
    assert harmless("<p title='\u202ex'>abc\u202e\u2066gpj.exe&#x202E;</p>") == '<p title="x">abcgpj.exe</p>'
    assert "\u202e" not in as_text("abc&#8238;def")


def test_what_is_too_much_is_shown_as_words() -> None:
    for monster in (
        "<div>" * 600 + "x",
        "<a href='https://x.example/'>x</a>" * 5_001,
        "<p " + " ".join(f"a{n}=1" for n in range(201)) + ">x",
        "x" * (512 * 1024 + 1),
        "é" * (300 * 1024),
        "<table><tr><td>" * 300 + "x",
    ):
        assert harmless(monster) == ""
        assert as_text(monster).strip().startswith(("x", "é"))
    assert harmless("<div>" * 500 + "x").count("<div>") == 500
    assert harmless("<a href='https://x.example/'>x</a>" * 900).count("<a ") == 900


def test_an_empty_mail_has_no_html() -> None:
    for nothing in ("", "<html></html>", "<p> </p><br>", "<!-- x -->", "<script>x</script>", "<style>x"):
        assert harmless(nothing) == ""
        assert as_text(nothing) == ""


# --- words


def test_words_read_like_a_typed_mail() -> None:
    html = (
        "<html><head><title>No</title><style>p{}</style></head><body><h1>Bill</h1><p>Dear &quot;Lee&quot;,<br>\n this   is\n wrong:</p>"
        "<ul><li>one<ul><li>deep</ul><li>two</ul><ol><li>a<li>b</ol><table><tr><td>x<td>y<tr><td>z</table>"
        "<p>See <a href='https://a.example/long'>my page</a>, <a href='https://a.example'>https://a.example</a> or "
        "<a href='mailto:x@a.example'>x@a.example</a> <img alt='Logo' src='cid:1'></p><pre>a  b\n  c</pre></body></html>"
    )
    assert as_text(html) == (
        'Bill\n\nDear "Lee",\nthis is wrong:\n\n- one\n  - deep\n- two\n\n1. a\n2. b\n\nx\ty\nz\n\n'
        "See my page (https://a.example/long), https://a.example or x@a.example [Logo]\n\na  b\n  c"
    )


GMAIL = (
    '<div dir="ltr">Yes, that works.</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Antaŭ tri tagoj Lee &lt;lee@example.com&gt; diris:<br>'
    '</div><blockquote class="gmail_quote"><div>Did you restart it?</div></blockquote></div>'
)
THUNDERBIRD = (
    "<p>Yes, that works.</p><div class='moz-cite-prefix'>Am 03.01.23 um 10:15 schrieb Lee:<br></div>"
    "<blockquote type='cite' cite='mid:x'><p>Did you restart it?</p></blockquote>"
)
OUTLOOK = (
    "<div>Yes, that works.</div><hr><div id='divRplyFwdMsg'><font><b>Fra:</b> Lee &lt;lee@example.com&gt;<br><b>X:</b> x<br></font></div>"
    "<div>Did you restart it?</div>"
)
APPLE = "<div>Yes, that works.</div><div><blockquote type='cite'><div>On 3 Jan 2023, at 10:15, Lee wrote:</div><div>Did you restart it?</div></blockquote></div>"


@pytest.mark.parametrize("html", [GMAIL, THUNDERBIRD, OUTLOOK, APPLE])
def test_what_was_said_before_is_known_by_its_markup(html: str) -> None:
    text = as_text(html)
    (fold,) = folds(text)

    assert "> Did you restart it?" in text
    assert text[: fold.start].strip() == "Yes, that works."
    assert fold.end == len(text)


def test_an_answer_below_a_quote_is_known_in_html_too() -> None:
    text = as_text(
        "<div class='moz-cite-prefix'>Am 03.01.23 um 10:15 schrieb Lee:</div><blockquote>Ja?</blockquote><p>Ja, danke.</p>"
    )

    assert text[folds(text)[0].end :].strip() == "Ja, danke."


def test_a_signatures_markup_is_its_rule() -> None:
    text = as_text("<div>Works.</div><div class='gmail_signature'>Ana<br>Example Ltd</div>")

    assert [f.kind for f in folds(text)] == ["signature"]


@pytest.mark.parametrize(
    "html",
    ["<", "</", "<a", "<a b='", "<!--", "<!-", "<![CDATA[", "</>", "<?", "&", "&#", "&#x;", "&#" + "9" * 9999 + ";", "&amp", "\x00<\x00p>", "<p/>x", "<a =b>x"],
)  # fmt: skip
def test_broken_markup_is_read(html: str) -> None:
    assert isinstance(harmless(f"x{html}"), str)
    assert as_text(f"x{html}").startswith("x")


_PIECES = st.sampled_from(
    [
        "<div>", "</div>", "<p>", "<b>", "</b>", "<table>", "<tr>", "<td>", "</table>", "<a href='https://a.example/'>", "</a>", "<svg>", "<math>", "<style>",
        "</style>", "<script>", "</script>", "<img src=x onerror=alert(1)>", "<img src='cid:1'>", "<!--", "-->", "<title>", "</title>", "<textarea>", "text",
        "&lt;script&gt;", "\"", "'", ">", "<", "<mtext>", "<mglyph>", "<noscript>", "</noscript>", "<template>", "<select>", "<li>", "<blockquote>", "<pre>\n",
        "<form>", "<plaintext>", "<xmp>", "</xmp>", "<annotation-xml encoding='text/html'>", "<font>", "<br>", "\u202e", "&#106;", "<![CDATA[", "]]>",
    ]
)  # fmt: skip
_HTML = st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=60).map("".join))


@settings(max_examples=300, deadline=None)
@given(_HTML)
@example("<li>0<TABLE>0<li>")
@example("<dt><table>0<dt><colgroup><dd>0")
def test_made_harmless_again_it_stays_the_same(html: str) -> None:
    once = harmless(html)

    assert harmless(once) == once
    assert "\u202e" not in once
    seen = Seen()
    seen.feed(once)
    assert seen.tags <= TAGS
    assert not seen.attributes & {"src", "style", "id", "class", "onerror", "background"}


@settings(max_examples=300, deadline=None)
@given(_HTML)
def test_the_words_are_text_and_nothing_of_a_program(html: str) -> None:
    said = as_text(html)

    assert "\x00" not in said
    assert len(said) <= len(html) * 21 + 100
