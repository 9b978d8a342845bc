#!/usr/bin/env python
"""Forefront's commands: `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    if sys.argv[1:2] in (["work"], ["keeper"]):
        os.environ.setdefault("FOREFRONT_PROCESS", sys.argv[1])  # what the database connection is fit for
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
