"""What colleagues said to each other just now, so that the demo's bells have something to tell."""

from collections.abc import Mapping

from cases import conversation, watching
from cases.models import Case
from crm.models import User

SAID = (
    ("Billing", "dana", "@rosa you know these invoices: can you look before noon?"),
    ("Billing", "rosa", "@lee same customer as yesterday, I think."),
    ("Technical", "tess", "@omar please ring them, they are at home until five."),
    ("Kundenservice", "jule", "@kai kannst du hier bitte kurz draufschauen?"),
)


def speak(users: Mapping[str, User]) -> None:
    """A note to a colleague in each, one case given, one followed."""
    for queue, by, text in SAID:
        case = Case.objects.active().filter(queue__name=queue, status="open").order_by("pk").first()
        if case:
            conversation.add_note(case, by=users[by], text=text)
    free = Case.objects.unassigned().filter(queue__name="Billing").order_by("pk").first()
    if free:
        free.assign(users["rosa"], by=users["dana"])
        watching.follow(free, by=users["dana"])
