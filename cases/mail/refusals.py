"""Why a mail did not arrive: an enumerated word, from the codes (RFC 3463) and sentences of mail systems.

`no_address` stops everything to that address, so it is said only where the other side is plain about it: a full mailbox,
a filter that does not like us or a server that was away are no reason never to write again.
"""

import re

from cases.mail.automatic_words import holds, plain

NO_ADDRESS = "no_address"
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]|\.\d)")

_BY_CODE = {
    "1.1": NO_ADDRESS,
    "1.2": "no_host",
    "1.3": NO_ADDRESS,
    "1.6": NO_ADDRESS,
    "1.10": NO_ADDRESS,  # the domain says that it takes no mail (RFC 7505)
    "2.2": "mailbox_full",
    "2.3": "too_large",
    "3.4": "too_large",
    "4.4": "no_host",
    "4.7": "gave_up",
}
# Codes that say little, or that some systems use for another thing than the standard: their sentence counts.
_VAGUE = {"0.0", "1.0", "2.0", "2.1", "4.1", "5.0", "5.1"}

_NOBODY = holds(
    "user unknown|unknown user|no such user|user not found|user doesn't exist|user does not exist|no such recipient"
    "|recipient unknown|unknown recipient|recipient not found|recipient does not exist|invalid recipient"
    "|address not found|address does not exist|address doesn't exist|no such address|unknown address"
    "|email account that you tried to reach does not exist|mailbox not found|no mailbox here|no such mailbox"
    "|mailbox does not exist|not a valid mailbox|not a known user|unknown or illegal alias|not our customer"
    "|account has been disabled|account is disabled|account is inactive|mailbox is disabled|mailbox disabled"
    "|mailbox is inactive|account that you tried to reach is disabled|recipient address rejected: access denied"
    "|adresse existiert nicht|empfanger unbekannt|destinataire inconnu|usuario desconocido|no existe el usuario"
)
_FULL = holds("mailbox full|mailbox is full|over quota|quota exceeded|exceeded storage|out of storage|postfach voll")
_LARGE = holds("message too large|message size exceeds|size limit|too big|exceeds the maximum")
_BLOCKED = holds("spam|blocked|blacklist|blocklist|block list|policy|reputation|not authorized|access denied|dmarc|spf")
_HOST = holds("host not found|domain not found|host unknown|unrouteable|unroutable|name service error|no such domain")
_WORDS = (("blocked", _BLOCKED), ("mailbox_full", _FULL), ("too_large", _LARGE), ("no_host", _HOST))


def reason(status: str, words: str) -> str:
    """The word for a refusal with this code ("5.1.1"; "" where only the words have one); "" when nothing is said."""
    code = _CODE.search(status) or _CODE.search(words[:2000])
    sentence = plain(words[:2000])
    if code is None:
        return _by_words(sentence)
    grade, detail = code[1], f"{int(code[2])}.{int(code[3])}"
    if grade == "4":
        return "mailbox_full" if detail == "2.2" else "gave_up"
    if detail.startswith("7."):
        return "blocked"
    return _by_words(sentence) if detail in _VAGUE else _BY_CODE.get(detail, "")


def _by_words(sentence: str) -> str:
    if _NOBODY.search(sentence):
        return NO_ADDRESS
    return next((word for word, pattern in _WORDS if pattern.search(sentence)), "")
