"""The database's own proof that what strangers are offered has a twin at least as good for existing customers."""

import pgtrigger

# `outreach_parity_breach(id)` says in a word (outreach.parity.WORDS) why a public offer may not be active, or NULL; it stands in
# the migration that made these triggers. It locks the twin: of who worsens it and who makes a public offer of it active, the
# later one waits and sees what the earlier one left.
_HOLDS = """
found := outreach_parity_breach(NEW.id);
IF found IS NOT NULL THEN
    RAISE EXCEPTION 'public offer % has no twin as good: %', NEW.id, found USING ERRCODE = 'check_violation';
END IF;
RETURN NULL;
"""

_STILL_HOLDS = """
SELECT outreach_parity_breach(p.id) INTO found FROM outreach_publicoffer p
 WHERE p.twin_id = NEW.id AND p.is_active AND outreach_parity_breach(p.id) IS NOT NULL LIMIT 1;
IF found IS NOT NULL THEN
    RAISE EXCEPTION 'a public offer would lose its twin %: %', NEW.id, found USING ERRCODE = 'check_violation';
END IF;
RETURN NULL;
"""


def _deferred(name: str, operation: pgtrigger.Operation, func: str) -> pgtrigger.Trigger:
    """At the end of the transaction: who changes both sides may do so in any order."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        timing=pgtrigger.Deferred,
        declare=[("found", "text")],
        func=func,
    )


HAS_A_TWIN = _deferred("has_a_twin", pgtrigger.Insert | pgtrigger.Update, _HOLDS)
KEEPS_TWINS = _deferred("keeps_twins", pgtrigger.Update, _STILL_HOLDS)
