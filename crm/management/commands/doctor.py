"""A look at the whole installation, in words."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from crm import doctor

MARK = {doctor.FINE: "  ok   ", doctor.NOTE: "  note ", doctor.BAD: "  BAD  "}


class Command(BaseCommand):
    help = "Say in plain words what is configured, reachable, lagging or unsafe; exit 1 if anything would hurt users."
    requires_system_checks: list[str] = []  # it runs them itself, and says what it finds instead of stopping

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(doctor.examine())
        for finding in findings:
            self.stdout.write(MARK[finding.level] + finding.text)
        bad = sum(finding.level == doctor.BAD for finding in findings)
        if bad:
            self.stdout.write(_("%d findings would hurt users.") % bad)
            sys.exit(1)
        self.stdout.write(_("Nothing here would hurt users."))
