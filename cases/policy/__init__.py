"""Service policies: what we give for what went wrong, as a table that is proved whole before anybody may use it."""
