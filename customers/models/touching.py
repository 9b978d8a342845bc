"""Triggers that say whose something changed, so that segments are looked at again: by whatever way it changed, a statement
at a time however many rows it had (customers.segments)."""

import pgtrigger

_SAY = "INSERT INTO customers_touched (customer) SELECT DISTINCT {whose}; RETURN NULL;"
# A change that leaves all as it was, but for the count of events, touches nobody.
_CHANGED = "(SELECT n.* FROM new_rows n JOIN old_rows o USING (id) WHERE to_jsonb(n) - 'version' IS DISTINCT FROM to_jsonb(o) - 'version')"


def _trigger(word: str, operation: pgtrigger.Operation, whose: str, **rows: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=f"touches_{word}",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(**rows),  # type: ignore[no-untyped-call]
        func=_SAY.format(whose=whose),
    )


def of_customer() -> list[pgtrigger.Trigger]:
    return [
        _trigger("new", pgtrigger.Insert, "id FROM new_rows", new="new_rows"),
        _trigger("changed", pgtrigger.Update, f"c.id FROM {_CHANGED} AS c", new="new_rows", old="old_rows"),
    ]


def of_rows() -> list[pgtrigger.Trigger]:
    """Of rows that are a customer's: whoever has them, and whoever had them before."""
    both = "t.customer_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) AS t"
    return [
        _trigger("new", pgtrigger.Insert, "customer_id FROM new_rows", new="new_rows"),
        _trigger("changed", pgtrigger.Update, both, new="new_rows", old="old_rows"),
        _trigger("gone", pgtrigger.Delete, "customer_id FROM old_rows", old="old_rows"),
    ]


def of_shared(whose: str) -> list[pgtrigger.Trigger]:
    """Of what many have: `whose` is what stands after SELECT, with `{changed}` for the rows that changed."""
    changed = f"(SELECT c.id FROM {_CHANGED} AS c)"  # noqa: S608 - our own words
    return [_trigger("changed", pgtrigger.Update, whose.format(changed=changed), new="new_rows", old="old_rows")]
