"""One training of what answers: from the database to a version that runs (crm.learning)."""

from collections import Counter
from typing import Any

import numpy as np

from cases.answering import gaps, gathering, judge
from cases.answering.gaps import Gap
from cases.answering.index import FEATURES, Material, build, gather
from cases.answering.judge import Held, Judge
from cases.answering.memory import Memory
from cases.models import ArticleVersion, Case, KnowledgeGap
from crm.learning import Lesson, Say
from crm.models import Learned

MOST_SHARE = 0.6  # of all questions, that are taken for strangers at most


def learn(say: Say) -> Lesson:
    """Which article answers: weights and the right moment to say nothing from questions held back, then from all of them."""
    seen = ArticleVersion.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    documents, examples = gathering.documents(), gathering.examples()
    if not documents:
        return Lesson({}, why="there is no article yet")
    answered = sum(example.article is not None for example in examples)
    counts = {"articles": len(documents), "answered questions": answered, "others": len(examples) - answered}
    say(f"reading {len(examples):,} questions and {len(documents):,} articles")
    material = gather(documents, examples)
    found, figures = judged(material, say)
    memory = Memory(build(material), found, seen)
    say("looking for what no article answers")
    missing = unanswered(material, memory)
    counts["gaps found"] = len(missing)
    return Lesson(counts, figures, memory.pack(), after=lambda row: _keep_gaps(row, missing))


def judged(material: Material, say: Say = lambda _line: None) -> tuple[Judge, dict[str, Any]]:
    """How to judge evidence, and how well that did on what was held back."""
    if material.labelled.sum() < judge.LEAST_LABELLED:
        return judge.UNTAUGHT, {}
    say("holding questions back to see what the rest makes of them")
    known = judge.held_back(material)
    say("taking articles away to see what strangers look like")
    new, strange = judge.taken_away(material)
    share = strangers_share(material)
    weights = judge.weigh(judge.joined([known, new]))
    found = judge.learn_confidence(weights, known, strange, share)
    return found, _figures(found, known, new, strange, share)


def unanswered(material: Material, memory: Memory) -> list[tuple[Gap, list[int]]]:
    """Groups of questions people answered without an article, for which none is near enough to be shown; with their cases."""
    others = np.flatnonzero(~material.labelled)
    kept = [
        ~memory.answered(material.rows[some], material.bare(some), material.asked_in[some])
        for some in judge.chunks(others)
    ]
    if not kept or not len(open_ones := others[np.concatenate(kept)]):
        return []
    found = gaps.find([material.texts[n] for n in open_ones], material.rows[open_ones])
    return [(gap, [int(material.cases[open_ones[n]]) for n in gap.places]) for gap in found]


def _keep_gaps(row: Learned, missing: list[tuple[Gap, list[int]]]) -> None:
    """In place of those found before."""
    KnowledgeGap.objects.exclude(training=row).delete()
    at = {pk: (opened, queue, number) for pk, opened, queue, number in Case.objects.filter(
        pk__in=[case for _gap, cases in missing for case in cases]).values_list("pk", "opened_at", "queue", "number")}  # fmt: skip
    kept = []
    for gap, cases in missing:
        there = [case for case in cases if case in at]
        if not there:
            continue
        queues = Counter(at[case][1] for case in there)
        queue, count = queues.most_common(1)[0]
        kept.append(
            KnowledgeGap(
                training=row,
                queue_id=queue if count * 2 > len(there) else None,
                words=" ".join(gap.words)[:200],
                count=len(there),
                cases=[at[case][2] for case in there[:20]],
                first_at=min(at[case][0] for case in there),
                last_at=max(at[case][0] for case in there),
            )
        )
    KnowledgeGap.objects.bulk_create(kept)


def strangers_share(material: Material) -> float:
    """What share of questions no article answers. Where articles answer most, history tells; where not, nobody may have
    said which one did, and it is taken as usual."""
    others = 1 - material.labelled.mean()
    return float(min(max(others, judge.STRANGERS), MOST_SHARE)) if others < 0.5 else judge.STRANGERS


def _figures(found: Judge, known: Held, new: Held, strange: Held, share: float) -> dict[str, Any]:
    order = np.argsort(-found.scores(known.evidence), axis=1, kind="stable")
    hit = order == known.right[:, None]
    kept = found.confidence(known.evidence) >= judge.SURE
    refused = found.confidence(strange.evidence) < judge.SURE
    return {
        "held back": len(known.right),
        "first is right": _share(hit[:, 0]),
        "right among three": _share(hit[:, :3].any(axis=1)),
        "first is right and shown": _share(hit[:, 0] & kept),
        "shown": _share(kept),
        "right among three where shown": _share(hit[kept, :3].any(axis=1)),
        "first is right, as if its article were new": _share(new.right == found.scores(new.evidence).argmax(axis=1)),
        "strangers told": _share(refused),
        "strangers expected": round(share, 3),
        "weights": {name: round(float(w), 2) for name, w in zip(FEATURES, found.weights, strict=True)},
    }


def _share(what: Any) -> float | None:
    return round(float(what.mean()), 4) if len(what) else None
