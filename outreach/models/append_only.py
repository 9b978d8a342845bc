"""Rows that are history: written once, and changed only where a merge of customers or their erasure needs it."""

import pgtrigger

_FUNC = """
IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY[{but}]::text[] = to_jsonb(OLD) - ARRAY[{but}]::text[] THEN
    RETURN NEW;
END IF;
RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
"""


def append_only(*but: str) -> pgtrigger.Trigger:
    """Refuse every deletion, and every update but of these columns."""
    return pgtrigger.Trigger(
        name="append_only",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=_FUNC.replace("{but}", ", ".join(f"'{column}'" for column in but)),
    )
