"""Hostile and broken mails we made ourselves, by the families of bad input: built in code, so that a mail of fifty
megabytes is a line here. `every()` names them all."""

from tests.mailcorpus.case import Case, every

__all__ = ["Case", "every"]
