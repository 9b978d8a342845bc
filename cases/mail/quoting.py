"""What of a mail's text was said before, and what is only its signature (docs/mail.md, "Quotes and signatures").

Nothing is cut: a fold is a stretch the screen shows folded. Rules, in this order, again until nothing changes:
a repeated mail below somebody's words goes to the end; what follows a signature's rule goes to the end; an attribution
with its quote goes where the answer stands above or below it, and the attribution alone where the answer stands between;
a quote at the end goes; so do telephones' signatures and what lists append. Where nothing would be left, nothing goes.
"""

import re
from collections.abc import Iterator

from cases.mail import phrases
from cases.mail.lines import Kind, Line, lines, told
from cases.mail.parsed import Fold

ROUNDS = 4
A_SIGNATURE = 7  # lines below a quote: as many are an answer, fewer a signature
A_FOOT = 15  # lines below a rule that is not the signature's own
_SAID = {Kind.TEXT, Kind.FOOT, Kind.RULE, Kind.DASHES}
_BEFORE = {Kind.WROTE, Kind.HEAD, Kind.FORWARD}
_GREETING = re.compile(r"(?:[^\s,]+\s?){1,4}[,!:،，、-]?$")
_NAME = re.compile(r"[-–—](?=[^\W\d_])[\w.'’-]+(?: [\w.'’-]+){0,3}$")

Cut = tuple[int, int, str]  # lines from, to, kind


def folds(text: str) -> tuple[Fold, ...]:
    """The stretches of `text` that are quotes or signatures, in order, apart from each other. Linear in the text; only
    the first 50,000 lines are judged."""
    every = lines(text)
    kept, kinds = every, {}
    for _round in range(ROUNDS):
        cuts = _cuts(told(kept))
        if not cuts:
            break
        gone = {id(line): kind for start, end, kind in cuts for line in kept[start:end]}
        kinds.update({line.start: gone[id(line)] for line in kept if id(line) in gone})
        kept = [line for line in kept if id(line) not in gone]
    return _joined(every, kinds, len(text))


def _joined(every: list[Line], kinds: dict[int, str], length: int) -> tuple[Fold, ...]:
    found: list[Fold] = []
    for line in every:
        kind = kinds.get(line.start)
        if kind is None:
            continue
        if found and found[-1].end == line.start and found[-1].kind == kind:
            found[-1] = Fold(found[-1].start, line.end, kind)
        else:
            found.append(Fold(line.start, line.end, kind))
    if found and every and found[-1].end == every[-1].end:
        found[-1] = Fold(found[-1].start, length, found[-1].kind)
    return tuple(found)


def _cuts(known: list[Line]) -> list[Cut]:
    """What goes in one round. The rules that cut to the end come first, and leave the others a shorter text."""
    cuts: list[Cut] = []
    for rule in (_repeated_mail, _below_rule):
        if cut := rule(known):
            cuts += _by_kind(known, cut)
            known = known[: cut[0]]
    within = list(_attributed(known))
    cuts += within
    end = min((start for start, end, _k in within if end == len(known)), default=len(known))
    rest = known[:end]
    cuts += _trailing_quote(rest) or _small_ends(rest)
    return cuts


def _by_kind(known: list[Line], cut: Cut) -> list[Cut]:
    """A cut to the end of what begins as a signature: from the first repeated mail in it on it is a quote."""
    start, end, kind = cut
    if kind == "quote":
        return [cut]
    turn = next((at for at in range(start, end) if known[at].kind in _BEFORE | {Kind.QUOTE}), end)
    return [part for part in ((start, turn, kind), (turn, end, "quote")) if part[0] < part[1]]


# --- what goes to the end


def _repeated_mail(known: list[Line]) -> Cut | None:
    """A mail repeated without quotation marks below somebody's words."""
    said, at = False, 0
    while at < len(known):
        kind = known[at].kind
        if kind in _BEFORE:
            end = _block(known, at)
            if said and not _is_quoted(known, end):
                return (_with_rule(known, at), len(known), "quote")
            at = end
            continue
        said = said or kind in {Kind.TEXT, Kind.FOOT}
        at += 1
    return None


def _block(known: list[Line], at: int) -> int:
    """The end of a block of attributions and heads, empty lines within it included."""
    end = at
    for here in range(at, len(known)):
        if known[here].kind in _BEFORE:
            end = here + 1
        elif known[here].kind is not Kind.EMPTY or here > end + 2:
            break
    return end


def _is_quoted(known: list[Line], at: int) -> bool:
    for line in known[at:]:
        if line.kind is not Kind.EMPTY:
            return line.kind is Kind.QUOTE
    return False


def _with_rule(known: list[Line], at: int) -> int:
    """The rule above a repeated mail goes with it."""
    above = at
    while above > 1 and known[above - 1].kind in {Kind.EMPTY, Kind.RULE, Kind.DASHES}:
        above -= 1
        at = at if known[above].kind is Kind.EMPTY else above
    return at


def _below_rule(known: list[Line]) -> Cut | None:
    """From the first rule on whose rest reads like a signature. Rules between parts of a text are none."""
    said = False
    below = _count_below(known)
    weak = _weak_rules(known)
    for at, line in enumerate(known):
        if said and line.kind is Kind.DASHES:
            return (at, len(known), "signature")
        if said and at in weak and below[at] <= A_FOOT:
            return (at, len(known), "signature")
        said = said or line.kind in {Kind.TEXT, Kind.FOOT}
    return None


def _count_below(known: list[Line]) -> list[int]:
    """For each line how many lines of words stand below it, up to the next quote or repeated mail."""
    below, count = [0] * len(known), 0
    for at in range(len(known) - 1, -1, -1):
        below[at] = count
        if known[at].kind in _BEFORE | {Kind.QUOTE}:
            count = 0
        elif known[at].kind is not Kind.EMPTY:
            count += 1
    return below


def _weak_rules(known: list[Line]) -> set[int]:
    """Rules below an empty line, where they part nothing: one such sign, or one that closes the text as well."""
    rules = [at for at, line in enumerate(known) if line.kind is Kind.RULE and at and known[at - 1].kind is Kind.EMPTY]
    last = max((at for at, line in enumerate(known) if line.kind is not Kind.EMPTY), default=-1)
    signs = [known[at].bare[0] for at in rules if at != last]
    return {at for at in rules if known[at].bare[0] == "_" or signs.count(known[at].bare[0]) == 1}


# --- attributions with their quotes


def _attributed(known: list[Line]) -> Iterator[Cut]:
    """Where the answer stands above or below a quote the quote goes; where it stands between, the attribution alone."""
    texts = _texts_from(known)
    last_quote = max((at for at, line in enumerate(known) if line.kind is Kind.QUOTE), default=-1)
    at = 0
    while at < len(known):
        if known[at].kind not in _BEFORE:
            at += 1
            continue
        end = _block(known, at)
        quoted = _is_quoted(known, end)
        run = _run(known, end) if quoted else end
        cut = _quoted(known, (at, end, run), texts, last_quote) if quoted else _unquoted(known, at, end)
        yield from cut
        at = max(run, at + 1)
        if cut and cut[-1][1] == len(known):
            return


def _texts_from(known: list[Line]) -> list[int]:
    """For each line how many lines of words stand from it on."""
    counts = [0] * (len(known) + 1)
    for at in range(len(known) - 1, -1, -1):
        counts[at] = counts[at + 1] + (known[at].kind in _SAID)
    return counts


def _run(known: list[Line], at: int) -> int:
    while at < len(known) and known[at].kind not in _SAID:
        at += 1
    return at


def _quoted(known: list[Line], where: tuple[int, int, int], texts: list[int], last_quote: int) -> list[Cut]:
    at, end, run = where
    above, below = texts[0] - texts[at], texts[run]
    if not below:
        return [(_with_rule(known, at), len(known), "quote")] if above else []
    between = last_quote >= run
    if not above and not between and known[at].kind is not Kind.FORWARD:
        return [(at, run, "quote")]
    if above and not between and below < A_SIGNATURE and not _announces(known[:at], above):
        return [(at, run, "quote"), (run, len(known), "signature")]
    return [(at, end, "quote")]


def _announces(above: list[Line], count: int) -> bool:
    """Do the few words above say that the answer stands below: a greeting alone, or "see below"?"""
    if count > 3:
        return False
    said = [line.bare for line in above if line.kind in _SAID]
    return any(phrases.BELOW.search(bare) for bare in said) or (
        count == 1 and said[0].endswith((",", "!", ":", "،", "，", "、")) and bool(_GREETING.match(said[0]))
    )


def _unquoted(known: list[Line], at: int, end: int) -> list[Cut]:
    """A mail begins with an attribution and no quote: the words below it are its own. A head stays with what it heads."""
    below = any(line.kind in _SAID for line in known[end:])
    return [(at, end, "quote")] if below and known[at].kind is Kind.WROTE else []


# --- small ends


def _trailing_quote(known: list[Line]) -> list[Cut]:
    end = len(known)
    while end and known[end - 1].kind in {Kind.EMPTY, Kind.QUOTE} | _BEFORE:
        end -= 1
    quoted = any(line.kind is Kind.QUOTE for line in known[end:])
    said = any(line.kind in _SAID for line in known[:end])
    return [(end, len(known), "quote")] if quoted and said else []


def _small_ends(known: list[Line]) -> list[Cut]:
    """Telephones' signatures wherever they stand; at the end what lists append, and a name behind a dash."""
    sent = [(at, at + 1, "signature") for at, line in enumerate(known) if line.kind is Kind.SENT]
    if sent and any(line.kind in _SAID for line in known):
        return sent
    start = _last_paragraph(known)
    if start and (known[start].kind is Kind.FOOT or _is_name(known, start)):
        return [(start, len(known), "signature")]
    return []


def _last_paragraph(known: list[Line]) -> int:
    """Where the last paragraph begins, if words stand above it; else 0."""
    end = len(known)
    while end and known[end - 1].kind is Kind.EMPTY:
        end -= 1
    start = end
    while start and known[start - 1].kind is not Kind.EMPTY:
        start -= 1
    return start if start < end and any(line.kind in _SAID for line in known[:start]) else 0


def _is_name(known: list[Line], start: int) -> bool:
    words = [line for line in known[start:] if line.bare]
    return len(words) == 1 and bool(_NAME.match(words[0].raw.strip()))
