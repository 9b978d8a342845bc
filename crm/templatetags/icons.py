"""Lucide icons in templates: an icon that is named outright is drawn when the template is compiled, not with every page."""

from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

from django import template
from django.template.base import FilterExpression, Node, Parser, TextNode, Token, token_kwargs
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
SVG = "http://www.w3.org/2000/svg"


@lru_cache(maxsize=512)
def icon(name: str, size: int = 24) -> SafeString:
    """An icon as SVG, safe for a page. Names and sizes come from templates, so there are few.

    As the package draws it, which opens its archive anew for each icon: the first pages of a process waited most of a
    second for that."""
    svg = ElementTree.fromstring(_shelf().read(f"{name}.svg"))  # noqa: S314 - the package's own
    for node in svg.iter():
        node.tag = node.tag.removeprefix(f"{{{SVG}}}")
    svg.attrib["width"] = svg.attrib["height"] = str(size)
    return mark_safe(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S308 - the package's own


@lru_cache(maxsize=1)
def _shelf() -> ZipFile:
    """In memory: a place in an open file is shared with every fork."""
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))


class IconNode(Node):
    """An icon whose name is known only when the page is rendered."""

    def __init__(self, name: FilterExpression, size: FilterExpression | None) -> None:
        self.name, self.size = name, size

    def render(self, context: Context) -> Any:
        size = self.size.resolve(context) if self.size else 24
        return icon(str(self.name.resolve(context)), int(size))


@register.tag
def lucide(parser: Parser, token: Token) -> Node:
    """`{% lucide "check" size=12 %}`."""
    _tag, name, *rest = token.split_contents()
    options = token_kwargs(rest, parser)
    if rest or options.keys() - {"size"}:
        raise template.TemplateSyntaxError("lucide takes the icon's name and size=")
    node = IconNode(parser.compile_filter(name), options.get("size"))
    return TextNode(node.render(Context())) if all(map(_is_literal, (node.name, node.size))) else node


def _is_literal(part: FilterExpression | None) -> bool:
    return part is None or not (part.filters or (part.is_var and part.var.lookups))
