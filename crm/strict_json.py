"""JSON as we accept it: what no database or client could hold is refused with a sentence, never a crash."""

import json
import math
from typing import Any, NoReturn

from django.utils.translation import gettext as _

DEEPEST = 40
_LARGEST = 2**63 - 1


def loads(raw: bytes) -> Any:
    """The value of a JSON text. Raises ValueError with what is wrong: not UTF-8, not JSON, NaN or Infinity, numbers past
    64 bits, a name twice in one object, NUL characters, lone surrogates, or nesting deeper than 40."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_float,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise ValueError(_("The body must be JSON in UTF-8.")) from None
    except json.JSONDecodeError as error:
        raise ValueError(
            _("The body is not JSON: %(why)s at line %(line)d, column %(column)d.")
            % {"why": error.msg, "line": error.lineno, "column": error.colno}
        ) from None
    except RecursionError:
        raise _too_deep() from None
    _inspect(value)
    return value


def sound(text: str) -> bool:
    """Can PostgreSQL keep this text?"""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _inspect(value: Any) -> None:
    """Walk without recursion: the depth is what is being judged."""
    level = [value]
    for _depth in range(DEEPEST):
        _look_at([v for v in level if isinstance(v, str)])
        _look_at([k for v in level if isinstance(v, dict) for k in v])
        lists = [child for v in level if isinstance(v, list) for child in v]
        level = lists + [child for v in level if isinstance(v, dict) for child in v.values()]
        if not level:
            return
    raise _too_deep()


def _look_at(texts: list[str]) -> None:
    if not all(sound(t) for t in texts):
        raise ValueError(_("Texts may hold neither NUL characters nor half surrogate pairs."))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(_("A name appears twice in one object."))
    return made


def _no_constant(name: str) -> NoReturn:
    raise ValueError(_("%(name)s is not a JSON number.") % {"name": name})


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) > _LARGEST:
        raise ValueError(_("A number is larger than 64 bits."))
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(_("A number is too large."))
    return number


def _too_deep() -> ValueError:
    return ValueError(_("The body is nested more than %(n)d levels deep.") % {"n": DEEPEST})
