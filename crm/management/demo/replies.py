"""What Brightwave's people write again and again: (folder, shortcut, title, queues, text by language). No queue: the house."""

from random import Random

from django.utils import timezone

from cases.models import SavedReply
from crm.management.demo.company import Company

SHARED: list[tuple[str, str, str, tuple[str, ...], dict[str, str]]] = [
    (
        "Opening",
        "look",
        "We are looking into it",
        (),
        {
            "en": "Hello {customer.first_name},\n\nthank you for writing. I am looking into “{case.subject}” now and come back to you by {promise.due}.\n\n{rep.first_name}, {company.name}",
            "de": "Guten Tag {customer.name},\n\nvielen Dank für Ihre Nachricht. Ich sehe mir „{case.subject}“ gerade an und melde mich bis {promise.due}.\n\n{rep.name}, {company.name}",
            "es": "Hola, {customer.first_name}:\n\ngracias por escribirnos. Estoy mirando «{case.subject}» y le respondo antes del {promise.due}.\n\n{rep.first_name}, {company.name}",
        },
    ),
    (
        "Opening",
        "account",
        "Which account is it?",
        (),
        {
            "en": "Hello {customer.first_name},\n\nI would like to look at the right account. Could you tell me the account number from the top of your bill, or the postcode of the line?\n\n{rep.first_name}",
            "de": "Guten Tag {customer.name},\n\ndamit ich das richtige Konto ansehe: Nennen Sie mir bitte die Kundennummer oben auf Ihrer Rechnung oder die Postleitzahl des Anschlusses?\n\n{rep.name}",
            "es": "Hola, {customer.first_name}:\n\npara mirar la cuenta correcta, ¿me indica el número de cliente de su factura o el código postal de la línea?\n\n{rep.first_name}",
        },
    ),
    (
        "Closing",
        "thanks",
        "Glad it works again",
        (),
        {
            "en": "Good to hear, {customer.first_name}. I close {case.number} now; answer this mail at any time and it opens again.\n\n{rep.first_name}",
            "de": "Das freut mich, {customer.name}. Ich schließe {case.number} jetzt; antworten Sie einfach, und der Vorgang ist wieder offen.\n\n{rep.name}",
            "es": "Me alegro, {customer.first_name}. Cierro el caso {case.number}; si responde a este correo se abre de nuevo.\n\n{rep.first_name}",
        },
    ),
    (
        "Refunds",
        "refund",
        "The refund is on its way",
        ("Billing",),
        {
            "en": "Hello {customer.first_name},\n\nyou are right, and I am sorry: the second debit was our mistake. The money goes back today and is with you by {promise.due} at the latest. Next month’s collection is checked.\n\n{rep.first_name}",
            "es": "Hola, {customer.first_name}:\n\ntiene razón y lo siento: el segundo cargo fue un error nuestro. El importe sale hoy y lo tiene como muy tarde el {promise.due}.\n\n{rep.first_name}",
        },
    ),
    (
        "Refunds",
        "notrefund",
        "Why this was charged",
        ("Billing",),
        {
            "en": "Hello {customer.first_name},\n\nI went through the bill with you in mind. The amount is right: your first year at the lower price ended. The new price stood on the last three bills. There is a cheaper plan that would fit what you use; shall I change it from the next bill?\n\n{rep.first_name}"
        },
    ),
    (
        "Payment",
        "day",
        "Another payment day",
        ("Billing",),
        {
            "en": "Hello {customer.first_name},\n\nyour collection day is changed from the next bill on. The bill that is with the bank already keeps its old day; tell me if that one would bounce and I stop it.\n\n{rep.first_name}"
        },
    ),
    (
        "Line",
        "restart",
        "Restart the router once",
        ("Technical",),
        {
            "en": "Hello {customer.first_name},\n\nplease unplug the router for ten seconds and give it four minutes after that. If the light stays red, write me just that and I book an engineer at once.\n\n{rep.first_name}",
            "es": "Hola, {customer.first_name}:\n\ndesenchufe el router diez segundos y espere cuatro minutos. Si la luz sigue roja, escríbame solo eso y reservo un técnico.\n\n{rep.first_name}",
        },
    ),
    (
        "Line",
        "engineer",
        "An engineer is coming",
        ("Technical",),
        {
            "en": "Hello {customer.first_name},\n\nan engineer comes to you: {promise.what}, by {promise.due}. Somebody of 18 or older should be in. You get a message when they set off.\n\n{rep.first_name}"
        },
    ),
    (
        "SIM",
        "sim",
        "The new SIM is in the post",
        ("Mobile",),
        {
            "en": "Hello {customer.first_name},\n\nthe old SIM is blocked, and a new one with your number is in the post. It works half an hour after you put it in.\n\n{rep.first_name}",
            "es": "Hola, {customer.first_name}:\n\nla SIM antigua está bloqueada y otra con su número va en el correo. Funciona media hora después de ponerla.\n\n{rep.first_name}",
        },
    ),
    (
        "Moving",
        "moving",
        "What we need for your move",
        ("Moving home",),
        {
            "en": "Hello {customer.first_name},\n\nthank you for telling us early. For {case.number} I need the new address, the day you get the keys, and whether you keep your number. Everything else I do from here.\n\n{rep.first_name}"
        },
    ),
    (
        "Anschluss",
        "neustart",
        "Router einmal neu starten",
        ("Kundenservice",),
        {
            "de": "Guten Tag {customer.name},\n\nbitte ziehen Sie den Router zehn Sekunden vom Strom und warten danach vier Minuten. Bleibt das Licht rot, schreiben Sie mir nur das, und ich bestelle den Techniker.\n\n{rep.name}"
        },
    ),
    (
        "Rechnung",
        "erstattung",
        "Die Erstattung ist unterwegs",
        ("Kundenservice",),
        {
            "de": "Guten Tag {customer.name},\n\nSie haben recht, und es tut mir leid: Die zweite Abbuchung war unser Fehler. Das Geld geht heute zurück und ist spätestens {promise.due} bei Ihnen.\n\n{rep.name}"
        },
    ),
]
OWN = [
    (
        "ines",
        "Abroad, quickly",
        "Hola, {customer.first_name}: en la UE su plan funciona como en casa. {rep.first_name}",
        "es",
    )
]


def save(brightwave: Company, rng: Random) -> None:
    """The shared ones as supervisors wrote them, and one of a rep's own."""
    now = timezone.now()
    for folder, shortcut, title, queues, texts in SHARED:
        used = rng.randint(4, 90)
        reply = SavedReply.objects.create(folder=folder, shortcut=shortcut, used_count=used, used_at=now)
        reply.queues.set([brightwave.queues[name] for name in queues])
        reply.publish(title=title, texts=texts, by=brightwave.users["sue"])
    for who, title, text, language in OWN:
        mine = SavedReply.objects.create(owner=brightwave.users[who])
        mine.publish(title=title, texts={language: text}, by=mine.owner)
