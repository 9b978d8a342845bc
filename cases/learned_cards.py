"""What people are told of what learns here: the words of its model card (crm.admin_learned)."""

from django.utils.translation import gettext_lazy as _

from crm.learning import Card

ANSWERS = Card(
    title=_("Answers"),
    about=_(
        "Names the articles that answer what a customer asks. Learned from the articles themselves and from questions of the"
        " past that an article answered."
    ),
    limits=_(
        "It knows words, not facts: it cannot tell whether an article is true. What nobody asked before it knows by the"
        " article’s own words alone. A rep decides; nothing is sent by itself."
    ),
    names={
        "articles": _("articles"),
        "answered questions": _("questions an article answered"),
        "others": _("questions answered without one"),
        "gaps found": _("gaps found"),
        "first is right": _("the first one is right"),
        "right among three": _("the right one is among the first three"),
        "strangers told": _("questions no article answers, told as such"),
        "first is right and shown": _("the first one is right, and shown"),
        "shown": _("shown at all"),
        "right among three where shown": _("the right one is among three, where shown"),
        "held back": _("held back to be judged by"),
        "strangers expected": _("questions no article answers, as expected"),
        "weights": _("weights of what speaks for an article"),
    },
)
SENTIMENT = Card(
    title=_("How words sound"),
    about=_(
        "Guesses whether what a customer wrote sounds pleased, neutral or upset. Learned from messages that people of this"
        " house marked, and from what customers added when they were asked; before there are enough of them, lists of words of our own are used."
    ),
    limits=_(
        "A guess is no mark: it opens nothing, and only keeps offers back. It does not hear irony, and knows little of what"
        " was rarely marked. Marks people made by confirming a guess are among what it learns from, so its figures may flatter"
        " it a little. It says nothing about anybody but the message it read, and is no measure of a colleague."
    ),
    names={
        "marked messages": _("marked messages"),
        "survey answers": _("answers to surveys, with how customers said it felt"),
        "bad": _("of them upset"),
        "neutral": _("of them neutral"),
        "good": _("of them good"),
        "accuracy": _("right"),
        "macro-F1": _("macro-F1 (every feeling counts the same)"),
        "held back": _("held back to be judged by"),
        "calibration error": _("calibration error (told probability against how often it was right)"),
        "told": _("sure enough to be told"),
        "accuracy where told": _("right where told"),
        "upset ones found": _("upset ones found"),
        "accuracy of the word lists": _("right by the lists of words alone"),
        "macro-F1 of the word lists": _("macro-F1 of the lists of words"),
    },
)
