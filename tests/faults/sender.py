"""A process that does what the keeper does for notices, and nothing else: hands over, sends, settles. Its lease is
short, so that a test need not wait a minute for what a killed one held.

    python -m tests.faults.sender
"""

import time
from datetime import timedelta

import django

if __name__ == "__main__":
    django.setup()

    from django.conf import settings
    from django.utils import timezone

    from cases import outward, sending
    from outreach import delivery

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    sending.LEASE = timedelta(seconds=10)  # longer than a starved machine keeps a sender waiting
    while True:
        did = sum(sweep(timezone.now()) for sweep in (delivery.deliver_due, outward.send_due, outward.send_mass_due))
        if not did:
            time.sleep(0.05)
