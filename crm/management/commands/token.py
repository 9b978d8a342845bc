from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm import tokens
from crm.models import User


class Command(BaseCommand):
    """Print a new API token for a user, once."""

    help = "Prints a new API token for USER, once: only its digest is kept. Without --scope it may do all the user may."

    def add_arguments(self, parser: ArgumentParser) -> None:
        known = "; ".join(f"{name}: {what}" for name, what in tokens.SCOPES.items())
        parser.add_argument("user", help="the user name of the account the token acts as")
        parser.add_argument("--scope", action="append", default=[], metavar="NAME", help=f"narrow it ({known})")

    def handle(self, *args: Any, user: str, scope: list[str], **options: Any) -> None:
        account = User.objects.filter(username=user).first()
        if account is None or not account.is_active:
            raise CommandError(f"There is no active user {user!r}. Names are as people type them to sign in.")
        try:
            text, _row = tokens.issue(account, [s for given in scope for s in given.replace(",", " ").split()])
        except ValueError as error:
            raise CommandError(f"{error} Choose from: {', '.join(tokens.SCOPES)}.") from None
        self.stdout.write(text)
