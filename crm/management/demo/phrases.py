"""What fills the blanks of the scenes, by language."""

OPENERS = {
    "en": ["", "", "Hello, ", "Hi, ", "Good morning. ", "Hello Brightwave, ", "Second try. ", "Good evening, "],
    "de": ["", "", "Hallo, ", "Sehr geehrte Damen und Herren, ", "Moin, "],
    "es": ["", "", "Buenos días. ", "Hola: ", "Buenas tardes, "],
}
CLOSERS = {
    "en": [
        "",
        "",
        " Thanks.",
        " Please let me know today.",
        " Regards",
        " I am at home from five.",
        " Reply by mail is fine.",
    ],
    "de": ["", "", " Vielen Dank.", " Bitte melden Sie sich heute noch.", " Mit freundlichen Grüßen"],
    "es": ["", "", " Gracias.", " Espero su respuesta hoy.", " Un saludo"],
}
STREETS = {
    "en": ["Mill Lane 14", "Harbour Street 3", "Station Road 88", "Orchard Close 7", "Castle Hill 21", "Abbey Walk 5"],
    "de": ["Lindenstraße 12", "Am Hafen 3", "Gartenweg 27", "Schillerstraße 8"],
    "es": ["Mill Lane 40", "Quay Street 9", "Victoria Road 17"],
}
DAYS = {
    "en": ["3rd", "5th", "12th", "17th", "21st", "28th"],
    "de": ["3. des Monats", "5.", "12.", "17.", "28."],
    "es": ["día 3", "día 5", "día 12", "día 17", "día 28"],
}
FOLLOW_UPS = {
    "en": [
        "Any news on this?",
        "One more thing: can you put that in writing?",
        "It happened again just now.",
        "Thank you!",
        "Does that cost anything?",
    ],
    "de": [
        "Gibt es schon etwas Neues?",
        "Können Sie mir das bitte schriftlich geben?",
        "Gerade ist es wieder passiert.",
        "Vielen Dank!",
    ],
    "es": [
        "¿Hay alguna novedad?",
        "¿Me lo puede confirmar por escrito?",
        "Acaba de pasar otra vez.",
        "¡Muchas gracias!",
    ],
}
