"""One spelling for each address, so that the same person is found however their address was written."""

import re
import unicodedata
from dataclasses import dataclass

import idna
import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _

from customers.folding import clean

_ATOM = re.compile(r"[^\s\"(),:;<>@\[\]\\]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PHONE_LIKE = re.compile(r"[+(]?[\d\s().\-/\u00a0]{5,}\d")
_MAX = 320


class BadAddress(ValueError):
    """An address nobody could be reached at; the message says what to write instead."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Address:
    """`value` is what is compared and stored, `display` what the person wrote."""

    kind: str
    value: str
    display: str


def normalise(kind: str, raw: str, *, region: str = "") -> Address:
    """The one spelling of an address of `kind` (email, phone, handle, external).

    `region` is the ISO country whose national phone numbers are meant; empty: PHONE_REGION. Raises BadAddress.
    """
    spell = _SPELLINGS.get(kind)
    if spell is None:
        raise BadAddress(_("Choose mail, phone, handle or external as the kind of address."))
    written = unicodedata.normalize("NFC", clean(raw)).strip()
    if not written:
        raise BadAddress(_("The address is empty."))
    value = spell(written, region)
    if len(value) > _MAX:
        raise BadAddress(_("An address has at most %(max)d characters.") % {"max": _MAX})
    return Address(kind, value, _visible(written)[:_MAX])


def guess(text: str) -> Address | None:
    """What address somebody typed into a search box, or None when it reads like anything else."""
    text = clean(text).strip()
    for kind, looks_like in (("email", _looks_like_mail), ("phone", _looks_like_phone), ("handle", _looks_like_handle)):
        if looks_like(text):
            try:
                found = normalise(kind, text)
            except BadAddress:
                continue
            return found if kind != "phone" or _is_meant(text, found.value) else None
    return None


def _is_meant(text: str, number: str) -> bool:
    """A date or an order number may be a possible phone number: without a country code it must be one in use."""
    return text.startswith(("+", "00", "tel:")) or phonenumbers.is_valid_number(phonenumbers.parse(number))


def _looks_like_mail(text: str) -> bool:
    return "@" in text[1:] and not text.startswith("@")


def _looks_like_phone(text: str) -> bool:
    return _PHONE_LIKE.fullmatch(text.removeprefix("tel:")) is not None


def _looks_like_handle(text: str) -> bool:
    return text.startswith("@") and " " not in text


def _visible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c)[0] != "C")


# --- mail


def _email(raw: str, _region: str) -> str:
    bare = raw.removeprefix("mailto:").removeprefix("<").removesuffix(">").strip()
    local, at, domain = bare.rpartition("@")
    if not (local and at and domain) or _visible(bare) != bare:
        raise BadAddress(_("A mail address looks like name@example.org."))
    value = f"{_local_part(local)}@{_domain(domain)}"
    if len(value) > 254:
        raise BadAddress(_("A mail address has at most 254 characters."))
    return value


def _local_part(local: str) -> str:
    """Lower case (no mail system in use tells Ana from ana); quotes only where the name needs them."""
    if len(local) > 1 and local[0] == local[-1] == '"':
        inner = re.sub(r"\\(.)", r"\1", local[1:-1])
        if not _is_dotted_atoms(inner):
            escaped = inner.lower().replace("\\", "\\\\").replace('"', '\\"')
            return unicodedata.normalize("NFC", f'"{escaped}"')
        local = inner
    # Empty pieces (a..b@, .a@) break the standard, but phone providers gave them out and people have them.
    if not all(_ATOM.fullmatch(piece) for piece in local.split(".") if piece) or not local.strip("."):
        raise BadAddress(_("The part before the @ of a mail address cannot hold spaces or brackets."))
    return unicodedata.normalize("NFC", local.lower())


def _is_dotted_atoms(text: str) -> bool:
    return bool(text) and all(_ATOM.fullmatch(piece) for piece in text.split("."))


def _domain(domain: str) -> str:
    domain = domain.strip().rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise BadAddress(_("%(domain)s is not a domain name.") % {"domain": _visible(domain)[:100]}) from error
    if len(domain) > 253 or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise BadAddress(_("%(domain)s is not a domain name.") % {"domain": _visible(domain)[:100]})
    return domain


# --- phone


def _phone(raw: str, region: str) -> str:
    """E.164. A number valid where it was dialled wins; one that begins with 00 may also be meant internationally."""
    home = (region or settings.PHONE_REGION).upper()
    written = raw.removeprefix("tel:").strip()
    found = [n for n in (_parsed(written, home), _parsed_abroad(written)) if n is not None]
    best = next((n for n in found if phonenumbers.is_valid_number(n)), None)
    best = best or next((n for n in found if phonenumbers.is_possible_number(n)), None)
    if best is None:
        raise BadAddress(_("That is not a phone number. Write it with its country code: +44 20 7946 0123."))
    return phonenumbers.format_number(best, phonenumbers.PhoneNumberFormat.E164)


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text[:100], region)
    except phonenumbers.NumberParseException:
        return None


def _parsed_abroad(text: str) -> phonenumbers.PhoneNumber | None:
    return _parsed("+" + text[2:], "ZZ") if text.startswith("00") else None


# --- handles and ids elsewhere


def _handle(raw: str, _region: str) -> str:
    value = unicodedata.normalize("NFC", _visible(raw).lstrip("@").lower())
    if not value or any(c.isspace() for c in value):
        raise BadAddress(_("A handle is one word, like @name or @name@server.example."))
    return value


def _external(raw: str, _region: str) -> str:
    return _visible(raw)


_SPELLINGS = {"email": _email, "phone": _phone, "handle": _handle, "external": _external}
