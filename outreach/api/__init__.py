"""Known problems, notices and offers over HTTP."""
