"""What people write to Brightwave and what it answers: scenes of a few turns, in three languages, with blanks.

A turn is (who, text): `c` the customer, `r` a reply that is not yet the answer, `a` the answer, `n` a note among us.
Blanks: {name} {amount} {day} {plan} {device} {firmware} {street} {time} {number}."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    queue: str
    tag: str
    subject: str
    turns: tuple[tuple[str, str], ...]
    next_step: str = ""
    language: str = "en"


SCENES = [
    Scene(
        "Billing",
        "double debit",
        "Charged twice on the {day}",
        (
            (
                "c",
                "You took {amount} twice on the {day}. I would like the second one back, and I would like to know it will not happen again next month.",
            ),
            (
                "n",
                "Direct debit ran twice after the account move. Refund is open in the ledger, bank takes two working days.",
            ),
            (
                "a",
                "{name}, you are right, and I am sorry. The second {amount} is on its way back to you; I will write again when the bank has it. Next month is safe: the fault was a moved account and yours has been checked.",
            ),
            ("c", "Thank you, that was quicker than I feared."),
        ),
        "Bank confirms the refund",
    ),
    Scene(
        "Billing",
        "price rise",
        "Why is my bill {amount} this month?",
        (
            ("c", "My bill was always lower and now it says {amount}. Nobody told me. What is on it?"),
            (
                "a",
                "Your first-year price on {plan} ended on the {day}; the letter went out in March but I can see it came back undelivered. The new bill is {amount}. I have put you on the price new customers get, from this month on, and credited the difference.",
            ),
            ("c", "That is fair. Please use my mail address from now on."),
        ),
        "Corrected bill by mail",
    ),
    Scene(
        "Billing",
        "payment date",
        "Move my payment date",
        (
            (
                "c",
                "I get paid on the {day} now. Can you take the money a few days later? Two of these bounced and I paid fees for it.",
            ),
            ("r", "Of course. I am moving it; one moment while I check which bill is already with the bank."),
            (
                "a",
                "Done: from next month we collect on the third working day after the {day}. The bill that is already with the bank I have stopped, so nothing bounces.",
            ),
        ),
        "First collection on the new date",
    ),
    Scene(
        "Technical",
        "no connection",
        "Internet has been down since {time}",
        (
            (
                "c",
                "Nothing since {time}. The {device} shows a red light. I work from home and lost half a day already.",
            ),
            (
                "r",
                "I see your line from here: the signal stops at the cabinet in {street}, not at your house. I am asking the field team for a time now.",
            ),
            ("n", "Cabinet fault, 14 other lines. Field ticket raised, crew confirmed for this afternoon."),
            (
                "a",
                "A crew is at the cabinet at {time} today. When your light turns white you are back; I will look at your line at 18:00 and write to you either way. The lost day is credited without you asking.",
            ),
            ("c", "White light at last. Thanks for keeping the word."),
        ),
        "Look at the line again after the repair",
    ),
    Scene(
        "Technical",
        "firmware",
        "Router restarts every evening",
        (
            (
                "c",
                "My {device} restarts by itself every evening around {time}, in the middle of calls. It began after the last update.",
            ),
            (
                "r",
                "Thank you for the times, they help. Could you look at the sticker and tell me the firmware? It should read like {firmware}.",
            ),
            ("c", "It says {firmware}."),
            (
                "a",
                "That version has a fault with the evening channel scan. I have set yours back to the one before; it restarts once in the next ten minutes and then should stay up. I will check the log tomorrow morning and tell you.",
            ),
        ),
        "Check the restart log",
    ),
    Scene(
        "Technical",
        "slow",
        "Only 12 Mbit/s upstairs",
        (
            (
                "c",
                "I pay for {plan} and get 12 Mbit/s upstairs. Downstairs by cable it is fine. Do I need a bigger plan?",
            ),
            (
                "a",
                "No, please do not buy a bigger plan: your line delivers everything you pay for, the wall in between does not. Put the {device} on the shelf in the hall, away from the fish tank, and switch the band to 5 GHz as in the guide I attached to this answer. If it still drops, a mesh point for the landing costs less than any plan.",
            ),
            ("c", "The shelf did it. 140 upstairs now!"),
        ),
    ),
    Scene(
        "Technical",
        "engineer",
        "Nobody came on the {day}",
        (
            ("c", "I took the {day} off for your engineer and nobody came. No call, nothing. Second time."),
            ("n", "Job was closed as 'no access' at 11:02, van was never in {street}. Escalated to field lead."),
            (
                "a",
                "That was our failure, twice. I have the first slot tomorrow, 8 to 10, and the engineer has your number; he calls when he leaves the depot. For the two lost days there is a credit of {amount} on your account now.",
            ),
        ),
        "Engineer between 8 and 10",
    ),
    Scene(
        "Mobile",
        "roaming",
        "Roaming charges from my holiday",
        (
            ("c", "{amount} for three days in Norway? I thought roaming was included in {plan}."),
            (
                "a",
                "It is included, and the charge is a mistake on our side: your SIM was still on the old list. I have taken the {amount} off; the corrected bill is in your account in an hour.",
            ),
            ("c", "Great. Is Switzerland included as well?"),
            (
                "a",
                "Switzerland is not, it costs 2.50 a day on {plan}, and you get a text before the first megabyte so that there is no surprise.",
            ),
        ),
    ),
    Scene(
        "Mobile",
        "number port",
        "Keep my number",
        (
            (
                "c",
                "I want to bring my number from another company. The code is in the attachment of the letter, {number}. How long am I without a phone?",
            ),
            ("r", "Thank you, the code is valid. I am asking for the day now."),
            (
                "a",
                "Your number moves on the {day} between 9 and 11. You can be without signal for up to one hour in that time; put the new SIM in when the old one says 'no service'.",
            ),
        ),
        "Number moves over",
    ),
    Scene(
        "Mobile",
        "lost sim",
        "Phone stolen, please block",
        (
            ("c", "My phone was stolen at {time}. Please block the SIM at once!"),
            (
                "a",
                "Blocked, two minutes after your message; nothing was charged in between. A new SIM with the same number is in tomorrow's post to {street}. Please also report the theft to the police and send me the reference, so that we can block the handset itself.",
            ),
            ("c", "That was fast, thank you. Reference follows."),
        ),
        "New SIM arrives",
    ),
    Scene(
        "Moving home",
        "moving",
        "Moving to {street} on the {day}",
        (
            (
                "c",
                "We move to {street} on the {day}. Can we keep {plan} and the telephone number? We have a small child and need the connection on day one.",
            ),
            ("r", "Congratulations! I am checking what is in the ground there."),
            (
                "a",
                "Yes to both: {street} has fibre to the house, and your number moves with you. The line is switched on the evening before you move. The {device} you have works there, just take it along.",
            ),
        ),
        "New line switched on",
    ),
    Scene(
        "Moving home",
        "cancel",
        "Cancel because we move abroad",
        (
            ("c", "We move abroad on the {day}. What do I need to do to end the contract, and is there a fee?"),
            (
                "a",
                "No fee when you leave the country. Everything ends on the {day}; send the {device} back in the box that reaches you this week, postage is paid. Your last bill is {amount}, for the days used.",
            ),
            ("c", "Perfect. It was a good six years."),
        ),
        "Return box arrives",
    ),
    Scene(
        "Billing",
        "refund status",
        "Where is my refund?",
        (
            ("c", "You promised {amount} back by the {day} and I do not see it. This is the second promise."),
            ("n", "Refund was returned by the bank, account number changed. Needs the new one over a safe way."),
            (
                "a",
                "The bank sent it back because the account was closed. I will not ask for the new number here; please enter it in your account under Payment, and the {amount} leaves the same hour. I am watching it and will write when it has gone.",
            ),
        ),
        "Refund leaves to the new account",
    ),
    Scene(
        "Kundenservice",
        "doppelt abgebucht",
        "Zweimal abgebucht am {day}",
        (
            (
                "c",
                "Guten Tag, am {day} wurden {amount} zweimal abgebucht. Bitte buchen Sie den zweiten Betrag zurück und sagen Sie mir, woran es lag.",
            ),
            (
                "a",
                "Guten Tag {name}, Sie haben recht, das tut mir leid. Die zweite Abbuchung von {amount} ist storniert und in zwei Bankarbeitstagen wieder auf Ihrem Konto. Der Fehler lag am Umzug Ihres Kontos; ich habe geprüft, dass es nicht noch einmal geschieht.",
            ),
            ("c", "Danke für die schnelle Antwort."),
        ),
        "Rückbuchung bestätigt",
        "de",
    ),
    Scene(
        "Kundenservice",
        "störung",
        "Seit {time} kein Internet",
        (
            (
                "c",
                "Seit {time} ist das Internet weg, die {device} blinkt rot. Ich arbeite von zu Hause und brauche den Anschluss dringend.",
            ),
            (
                "r",
                "Ich sehe die Leitung: Das Signal endet am Verteiler in der {street}. Ich frage gerade nach, wann der Trupp dort ist.",
            ),
            ("n", "Verteiler gestört, 9 weitere Anschlüsse. Trupp heute Nachmittag bestätigt."),
            (
                "a",
                "Der Trupp ist heute um {time} am Verteiler. Um 18 Uhr schaue ich auf Ihre Leitung und schreibe Ihnen in jedem Fall. Den Ausfalltag schreiben wir gut, ohne dass Sie etwas tun müssen.",
            ),
            ("c", "Läuft wieder. Toll, dass Sie sich gemeldet haben."),
        ),
        "Leitung nach der Reparatur prüfen",
        "de",
    ),
    Scene(
        "Kundenservice",
        "umzug",
        "Umzug in die {street}",
        (
            ("c", "Wir ziehen am {day} in die {street}. Können wir den Tarif {plan} und die Rufnummer mitnehmen?"),
            (
                "a",
                "Ja, beides. In der {street} liegt Glasfaser; der Anschluss wird am Abend vor Ihrem Umzug geschaltet. Ihre {device} können Sie einfach mitnehmen.",
            ),
        ),
        "Anschluss wird geschaltet",
        "de",
    ),
    Scene(
        "Kundenservice",
        "firmware",
        "{device} startet jeden Abend neu",
        (
            (
                "c",
                "Die {device} startet jeden Abend gegen {time} neu, mitten im Gespräch. Auf dem Gerät steht Version {firmware}.",
            ),
            (
                "a",
                "Danke für die genauen Zeiten. Diese Version hat einen Fehler bei der abendlichen Kanalsuche; ich habe Ihr Gerät auf die vorige zurückgesetzt. Morgen früh sehe ich im Protokoll nach und melde mich.",
            ),
        ),
        "Protokoll prüfen",
        "de",
    ),
    Scene(
        "Technical",
        "sin conexión",
        "Sin internet desde las {time}",
        (
            (
                "c",
                "Hola, no tengo internet desde las {time} y el {device} tiene la luz roja. ¿Pueden ayudarme, por favor? Trabajo desde casa.",
            ),
            (
                "r",
                "Veo su línea desde aquí: la señal se corta en el armario de {street}. Estoy pidiendo una hora al equipo técnico.",
            ),
            (
                "a",
                "El equipo llega al armario a las {time}. A las 18:00 reviso su línea y le escribo en cualquier caso. El día perdido se le abona sin que tenga que pedirlo.",
            ),
            ("c", "Ya funciona. ¡Muchas gracias!"),
        ),
        "Revisar la línea tras la reparación",
        "es",
    ),
    Scene(
        "Billing",
        "cobro doble",
        "Me han cobrado dos veces el {day}",
        (
            (
                "c",
                "Me han cobrado {amount} dos veces el {day}. Quiero que me devuelvan el segundo cobro y saber que no volverá a pasar.",
            ),
            (
                "a",
                "{name}, tiene razón y lo siento. El segundo cobro de {amount} ya está devuelto; el banco tarda dos días laborables. El fallo fue un cambio de cuenta y la suya está revisada.",
            ),
            ("c", "Gracias por la rapidez."),
        ),
        "El banco confirma la devolución",
        "es",
    ),
    Scene(
        "Mobile",
        "roaming",
        "Cargos de roaming",
        (
            ("c", "¿{amount} por tres días en Noruega? Creía que el roaming estaba incluido en {plan}."),
            (
                "a",
                "Está incluido y el cargo es un error nuestro: su SIM seguía en la lista antigua. He quitado los {amount}; la factura corregida estará en su cuenta en una hora.",
            ),
        ),
        "Factura corregida",
        "es",
    ),
]

# The beginning of something bigger: nine people say it in the days before this minute, and nobody has joined the dots.
FIRMWARE = Scene(
    "Technical",
    "drops",
    "Line drops every evening since the update",
    (
        (
            "c",
            "Since the night my Hub 5 updated itself to 2.3.1 the line drops every evening around {time} for ten minutes, then it comes back by itself. A restart changes nothing.",
        ),
        ("n", "Third one I see with 2.3.1 this week. Line tests clean, the hub restarts by itself under load."),
        (
            "a",
            "{name}, thank you for telling us exactly when. Your line itself is clean: it is the hub that restarts. I have set it to last month's software for tonight and will look at its log tomorrow.",
        ),
        ("c", "It held last night. I will write if it comes back."),
    ),
    "Look at the hub's log",
)
