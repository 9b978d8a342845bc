"""The rows the benchmarks are taken over still fit the tables: SQL made by hand sees no migration."""

import pytest
from django.db.models import Sum
from django.utils import timezone

from benchmarks import corpus, data, policies, segments, talks
from cases import search
from cases.models import Case, Clock, Message, Promise
from cases.policy import proving
from crm.models import Event, User
from customers.conditions import compile
from customers.models import Consent, ContactPoint, Customer, Order, Subscription
from outreach import deciding
from outreach.models import Decision, OfferResponse, Taken
from tests.builders import make_queue


@pytest.mark.django_db
def test_bulk_rows_fit_the_tables() -> None:
    people = data.reps(3)
    data.customers(20)
    queue = make_queue("Bench")
    data.cases(queue.pk, people, until=40, customers=20, active=10)
    data.histories()
    data.holdings()
    data.articles(3)
    ids = Case.objects.order_by("pk").values_list("pk", flat=True)
    data.messages(ids[0], ids[39], 4, people[0])
    assert (Customer.objects.count(), ContactPoint.objects.count(), Case.objects.count()) == (20, 20, 40)
    assert (Clock.objects.count(), Promise.objects.count(), Event.objects.filter(stream="case").count()) == (10, 2, 240)
    assert (Subscription.objects.count(), Order.objects.count(), Consent.objects.count()) == (40, 100, 60)
    assert Message.objects.count() == 160


@pytest.mark.django_db
def test_what_was_drawn_is_what_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    made = corpus.build(100, people=2, active=10)
    rep = User.objects.get(pk=made.people[0])
    for word in [*made.words["common"], *made.words["frequent"]]:
        wanted = [made.first_case + case for case in made.truth[word][:-51:-1]]
        assert [case.pk for case in search.search_cases(rep, word)] == wanted
    assert (Case.objects.count(), Message.objects.count(), Customer.objects.count()) == (100, 400, 100)
    assert Case.objects.filter(status="open").count() == 10


@pytest.mark.django_db
def test_every_segment_of_the_benchmark_means_somebody_and_not_everybody() -> None:
    data.customers(300)
    data.sql(segments.VARIED)
    data.holdings()
    data.sql(segments.SPREAD)
    for n in range(50):
        found = compile(segments.condition(n), at=timezone.now()).customers().count()
        assert 0 < found < 300, n


@pytest.mark.django_db
def test_talks_of_the_benchmark_are_decided_and_their_past_is_read() -> None:
    people = data.reps(2)
    queue = make_queue("Bench", reps=list(User.objects.filter(pk__in=people)))
    talks.people(400)
    versions = talks.offers(200, 150)
    talks.past(400, 400, versions, people[0])
    assert (Decision.objects.count(), OfferResponse.objects.count()) == (400, 400)
    taken = Taken.objects.aggregate(many=Sum("many"))["many"]
    assert taken == OfferResponse.objects.filter(kind="accepted").count() == 100
    talks.stand(200)
    made = [
        deciding.decide(case, by=User.objects.get(pk=case.assignee_id or 0))
        for case in Case.objects.filter(pk__in=talks.talks(40, 400, queue.pk, people)).select_related("customer")
    ]
    assert {decision.outcome for decision in made} == {"presented", "silence"}
    assert not any(decision.gates for decision in made)
    assert all(deciding.is_replayed(Decision.objects.get(pk=decision.pk)) for decision in made)
    assert {len(decision.context["answers"]) for decision in made} == {1}  # each was asked something before


def test_the_table_of_the_benchmark_is_whole() -> None:
    table = policies.made(100)
    assert (proving.overlaps(table), proving.gaps(table)) == ([], [])
