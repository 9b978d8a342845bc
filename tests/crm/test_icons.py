"""Icons in templates: drawn once, the same picture as ever, whatever names them."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.template.base import TextNode
from lucide.templatetags.lucide import lucide as drawn


def test_an_icon_named_outright_is_drawn_when_the_template_is_compiled() -> None:
    template = Template('{% lucide "check" size=12 %}')
    assert isinstance(template.nodelist[0], TextNode)
    assert template.render(Context()) == drawn("check", size=12)


def test_an_icon_named_by_a_variable_is_drawn_for_what_it_says() -> None:
    template = Template("{% lucide name size=size %}{% lucide name %}")
    assert template.render(Context({"name": "x", "size": 18})) == drawn("x", size=18) + drawn("x")


def test_an_icon_takes_nothing_else() -> None:
    with pytest.raises(TemplateSyntaxError):
        Template('{% lucide "check" color="red" %}')
