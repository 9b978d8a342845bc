from django.db import models

from cases.models.case import Case
from cases.models.message import Message


class SurveyAsking(models.Model):
    """That a case's customer was asked: when their page first showed them the question. Whoever answered was asked."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="asking")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="survey_asked_at")]

    def __str__(self) -> str:
        return f"asking of case {self.case_id}"


class SurveyAnswer(models.Model):
    """What a customer answered on the page of their case, once it was resolved: whether that did it, and how it felt. One a case;
    for a day they may change it."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="survey")
    solved = models.BooleanField()
    feeling = models.CharField(max_length=10, choices=Message.Feeling.choices, blank=True)
    words = models.CharField(max_length=1000, blank=True)
    answered_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["-changed_at"],
                name="survey_teaches",
                condition=~models.Q(feeling="") & ~models.Q(words=""),
            )
        ]

    def __str__(self) -> str:
        return f"survey of case {self.case_id}"
