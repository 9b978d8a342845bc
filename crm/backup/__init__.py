"""Everything an installation holds, in one file, and back. docs/backup.md.

The file is a zip of a manifest, a dump of PostgreSQL's own (`pg_restore` reads it without us), and the attachments that
are kept outside of the database.
"""

from crm.hooks import Hook


class Refused(Exception):
    """It cannot be done, and nothing was changed; the message says what to do."""


# What an app must put right in a database that comes back from the past, as SQL for the transaction that brings it back.
# It meets the schema of the backup, which may be older than the code.
restored: Hook[[], str] = Hook("restored")
