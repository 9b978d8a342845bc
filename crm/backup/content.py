"""What a database holds, counted and summed, so that a restore can prove that all of it came back."""

import json
from typing import Any

import psycopg

# What is worth nothing later: who is looking at what, and who was alive when.
LEFT_OUT = ("crm_presence", "crm_heartbeat")
# Rows are summed over their text, which must not depend on who asks.
PLAINLY = (
    "SET LOCAL search_path = public; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';"
    " SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';"
)
TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    " AND relpersistence = 'p' ORDER BY relname"
)
# Of chunks of files only the number: their bytes are held against the name of the file, which is their sha256.
_SUM = "coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text"
CHUNKS = "crm_filechunk"
BROKEN_FILES = """
SELECT count(*) FROM crm_storedfile f JOIN LATERAL (
    SELECT string_agg(c.data, ''::bytea ORDER BY c.position) AS data FROM crm_filechunk c WHERE c.file_id = f.id
) held ON held.data IS NOT NULL WHERE encode(sha256(held.data), 'hex') <> f.sha256
"""


def counted(table: str) -> str:
    """The question of how many rows a table has and what they sum up to."""
    total = "''" if table == CHUNKS else _SUM
    return f"SELECT count(*), {total} FROM public.{_quoted(table)} t"  # noqa: S608 - our own table names


def measure(conn: "psycopg.Connection[Any]") -> dict[str, list[Any]]:
    """Rows and sum of every table, inside the caller's transaction."""
    conn.execute(PLAINLY)
    names = [name for (name,) in conn.execute(TABLES) if name not in LEFT_OUT]
    return {name: list(_one(conn, counted(name))) for name in names}


def proof(tables: dict[str, list[Any]], broken_files: int) -> str:
    """SQL that raises unless every table is as it was measured."""
    told = json.dumps(tables).replace("'", "''")
    return f"""
{PLAINLY}
DO $proof$
DECLARE was jsonb := '{told}'; name text; rows bigint; total text; broken bigint;
BEGIN
    FOR name IN SELECT jsonb_object_keys(was) LOOP
        EXECUTE CASE name WHEN '{CHUNKS}' THEN 'SELECT count(*), '''' FROM public.{CHUNKS}'
            ELSE format($q$SELECT count(*), {_SUM} FROM public.%I t$q$, name) END INTO rows, total;
        IF rows <> (was -> name ->> 0)::bigint OR total <> (was -> name ->> 1) THEN
            RAISE EXCEPTION 'table % did not come back whole: % rows, % were saved', name, rows, was -> name ->> 0;
        END IF;
    END LOOP;
    EXECUTE $q${BROKEN_FILES}$q$ INTO broken;
    IF broken <> {broken_files} THEN
        RAISE EXCEPTION '% attachments are not what they were', broken;
    END IF;
END $proof$;
"""  # noqa: S608 - our own table names, as JSON


def broken_files(conn: "psycopg.Connection[Any]") -> int:
    """How many attachments are not what their name says."""
    return int(_one(conn, BROKEN_FILES)[0])


def _one(conn: "psycopg.Connection[Any]", question: str) -> tuple[Any, ...]:
    row = conn.execute(question.encode()).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    return tuple(row)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
