"""How saved replies and macros write variables."""

from collections.abc import Iterable, Sequence

from django import template

from cases import filling, macro_steps, variables
from crm.roles import may

register = template.Library()
register.filter("base_language", filling.base)


@register.filter
def places(names: Iterable[str]) -> str:
    """Variables as they are written, each with what it stands for."""
    return ", ".join(f"{variables.written(name)} ({variables.KNOWN[name]})" for name in names)


@register.filter
def step_words(steps: Sequence[macro_steps.Step]) -> str:
    """What a macro does, in the order it does it."""
    return ", ".join(str(macro_steps.KINDS[step["do"]]) for step in steps)


@register.filter
def may_keep_replies(user: object) -> bool:
    return may(user, "saved_reply.own")


register.simple_tag(variables.all_written, name="variables_written")


@register.simple_tag
def variable_names() -> str:
    """All there are, for the script that looks for what is not filled in yet."""
    return " ".join(variables.KNOWN)
