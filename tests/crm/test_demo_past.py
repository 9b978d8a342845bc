"""The demo company's past is one the product itself could have left: what was made good, felt, answered and said of it."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import Count, F, Sum
from django.utils import timezone

from cases.models import Article, Case, Remedy, SurveyAnswer, SurveyAsking
from cases.policy import amounts
from cases.remedies import quoting
from cases.sentiment import change
from crm.management.demo import company, customers, floor, history, policies, rules, segments
from crm.management.demo.company import Company
from crm.models import Event
from customers.models import Customer, Segment
from customers.segments import count

pytestmark = pytest.mark.django_db


@pytest.fixture
def brightwave() -> Company:
    rng, now = random.Random(7), timezone.now()
    found = company.found(rng)
    people = customers.populate(1000, rng, now)
    policies.set_up(found)
    history.live_through(found, people, 400, rng, now)
    return found


def _what_was_made_good_is_what_the_policy_gives_or_has_a_reason() -> None:
    remedies = list(Remedy.objects.select_related("policy_version", "case", "asked_by", "decided_by"))
    assert len(remedies) > 15
    assert {remedy.policy.name for remedy in remedies} == {"Charged twice", "The line was down"}
    for remedy in remedies:
        table = remedy.policy_version.read
        known = quoting.read_given(table, {name: value for name, value in remedy.facts.items() if name != "prior"})
        decision = amounts.decide(table, known)
        assert (decision.place, decision.amount) == (remedy.row, remedy.computed)
        assert bool(remedy.override_reason) == remedy.deviates
        assert (remedy.decided_by != remedy.asked_by) == bool(remedy.needs)
        told = Event.objects.filter(stream="case", stream_id=remedy.case_id, kind="remedy_paid").get()
        assert (told.data["remedy"], told.data["amount"]) == (remedy.pk, f"{remedy.granted:.2f}")


def _the_log_of_every_case_is_in_the_order_of_time() -> None:
    events = Event.objects.filter(stream="case").order_by("stream_id", "version")
    rows = list(events.values_list("stream_id", "version", "at"))
    for (case, version, at), (next_case, next_version, next_at) in pairwise(rows):
        assert case != next_case or (next_version == version + 1 and next_at >= at)
    last = dict(events.values_list("stream_id", "version"))
    assert dict(Case.objects.values_list("pk", "version")) == last


def _what_customers_said_in_the_end_shows_in_their_case() -> None:
    answers = SurveyAnswer.objects.select_related("case__need_met_event")
    assert {answer.solved for answer in answers} == {True, False}
    asked = SurveyAsking.objects.all()
    assert len(answers) < len(asked)
    assert {answer.case_id for answer in answers} < {asking.case_id for asking in asked}
    for answer in answers:
        met = answer.case.need_met_event
        assert (met.data["how"] if met else None) == ("survey" if answer.solved else None)
        assert ("not-solved" in answer.case.tags) == (not answer.solved)


def _articles_answered_and_feelings_changed(brightwave: Company) -> None:
    articles = Article.objects.annotate(times=Count("uses"))
    assert articles.aggregate(n=Sum("times"))["n"] > 50
    assert not articles.filter(answered_count__lt=F("times")).exists()
    now = timezone.now()
    queues = [queue.pk for queue in brightwave.queues.values()]
    assert len(change.talks(queues, now - timedelta(days=91), now)) > change.FEWEST


def test_the_past_is_one_that_could_have_been(brightwave: Company) -> None:
    """Told once for all of it: that takes seconds."""
    _what_was_made_good_is_what_the_policy_gives_or_has_a_reason()
    _the_log_of_every_case_is_in_the_order_of_time()
    _what_customers_said_in_the_end_shows_in_their_case()
    _articles_answered_and_feelings_changed(brightwave)


def test_two_remedies_wait_for_a_lead_and_no_segment_is_empty(brightwave: Company) -> None:
    rules.set_up(brightwave)
    floor.open_up(brightwave, random.Random(7), timezone.now())
    waiting = Remedy.objects.waiting()
    assert all(remedy.override_reason for remedy in waiting), "whatever like cases got in this past, it may be asked"
    assert {remedy.policy.name for remedy in waiting} <= {"Charged twice", "The line was down"}
    assert all(remedy.needs for remedy in waiting)
    segments.publish(brightwave.users["sue"])
    everybody = Customer.objects.count()
    for segment in Segment.objects.all():
        assert 0 < count(segment) < everybody, segment.key
