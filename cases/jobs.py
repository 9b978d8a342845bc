"""What the keeper repeats for cases. Each sweep is safe to run twice at once."""

from cases import (
    answers,
    bulk,
    clocks,
    digests,
    escalation,
    fetching,
    learned_cards,
    news,
    outcomes,
    pacing,
    presence,
    promises,
    pushing,
    recalculating,
    reminders,
    silence,
    tags,
    tasks,
    years,
)
from cases.intake import sweep_inbound, sweep_slow
from cases.outward import release_due, send_due, send_mass_due
from cases.remedies import paying, raising, unasked
from cases.routing import route, send_back, wake_due
from cases.routing_wake import SWEEP
from cases.rules import asking, running, trying
from cases.sentiment import gathering, guessing
from crm import learning, limits
from crm.jobs import every, loop

every(1, name="cases.inbound")(sweep_inbound)
every(1, name="cases.inbound_slow")(sweep_slow)
every(0.5, name="cases.release")(release_due)
every(0.5, name="cases.send")(send_due)
every(0.5, name="cases.send_mass")(send_mass_due)
every(3600, name="crm.limits")(limits.forget)
every(5, name="cases.waking")(wake_due)
every(1, name=SWEEP)(route)
every(5, name="cases.returning")(send_back)
every(5, name="cases.presence")(presence.sweep)
every(5, name="cases.promises")(promises.sweep)
every(5, name="cases.breaches")(clocks.by_the_database(clocks.breach_due))
every(5, name="cases.warnings")(clocks.by_the_database(clocks.warn_due))
every(5, name="cases.escalation")(clocks.by_the_database(escalation.act_due))
every(3600, name="cases.years")(years.renew)
every(5, name="cases.recalculation")(recalculating.recalculate)
every(5, name="cases.reminders")(clocks.by_the_database(reminders.remind_due))
every(5, name="cases.tasks")(clocks.by_the_database(tasks.tell_due))
every(5, name="cases.tags")(tags.rename_due)
every(1, name=bulk.SWEEP)(bulk.sweep)
every(1, name="cases.rules.follow")(asking.follow)
every(1, name="cases.rules.run")(running.run_due)
every(30, name="cases.rules.wait")(asking.wait)
every(2, name=trying.SWEEP)(trying.try_due)
every(3600, name="cases.rules.forget")(asking.forget)
every(1, name="cases.remedies")(paying.pay_due)
every(5, name="cases.entitlements")(unasked.grant_due)
every(5, name="cases.approvals")(clocks.by_the_database(raising.raise_due))
every(30, name="cases.silence")(silence.sweep)
loop(name="cases.mailboxes", limit=20)(fetching.fetch_mail)
every(10, name="cases.pace")(pacing.sweep)
every(pacing.RECOUNT.total_seconds(), name="cases.pace_recount")(pacing.recount)
every(2, name="cases.push_plan")(pushing.plan)
every(2, name="cases.pushing")(pushing.send_due)
every(600, name="cases.push_tidy")(pushing.tidy)
every(30, name="cases.digests")(digests.plan)
every(3600, name="cases.old_news")(news.forget)
every(5, name="cases.outcomes")(outcomes.follow)
every(2, name="cases.sentiment")(guessing.sweep)
every(10, name="cases.sentiment_anew")(guessing.anew)


@learning.warmers.register
def read_answers() -> None:
    from cases.answering import suggesting  # brings libraries that take a second to begin

    suggesting.knowledge()


@learning.learner("answers", due=answers.worth_learning, card=learned_cards.ANSWERS)
def learn_answers(say: learning.Say) -> learning.Lesson:
    """Which article answers which question."""
    from cases.answering import training  # brings libraries that only training needs

    return training.learn(say)


@learning.learner("sentiment", due=gathering.worth_learning, card=learned_cards.SENTIMENT)
def learn_sentiment(say: learning.Say) -> learning.Lesson:
    """How what customers write sounds."""
    from cases.sentiment import training  # brings libraries that only training needs

    return training.learn(say)
