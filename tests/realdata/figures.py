"""What a run of the main job says of itself at its end."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import quantiles

from cases.models import Case, Dispatch, Message
from crm.models import Event
from tests.realdata.outside import World
from tests.realdata.reps import Rep


def told(world: World, reps: Sequence[Rep], called_back: int, mailed: int) -> str:
    answers = Message.objects.filter(direction="outbound").count()
    sent = Dispatch.objects.filter(state="sent").count()
    after, _at = world.killed or (0, 0.0)
    pages = [len(rep.rows()) for rep in reps]
    lines = [
        f"in      {world.arrivals} arrivals in {world.seconds:.0f} s; {world.again} sent twice on purpose,"
        f" {world.broken} requests broke, {world.repeated} were put off",
        f"stored  {Case.objects.count()} cases, {Message.objects.count()} messages,"
        f" {answers} answers ({len(world.typed)} typed in the browser, the others through the API)",
        f"left    {called_back} by call-back, {mailed} by mail; {called_back + mailed - sent} twice,"
        f" {answers - sent} missing",
        f"shown   {pages} cases on the lists that were open all the time",
        f"killed  the web process after {after} arrivals; {world.back:.1f} s until somebody answered again",
        f"delay   from first sending to each open list: {_percentiles(world, reps)}",
    ]
    return "\n" + "\n".join(lines)


def _percentiles(world: World, reps: Sequence[Rep]) -> str:
    waits = sorted(_waits(world, reps))
    cuts = quantiles(waits, n=100, method="inclusive")
    return f"p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, longest {waits[-1]:.2f} s, of {len(waits)}"


def _waits(world: World, reps: Sequence[Rep]) -> list[float]:
    """Seconds from the first sending of each arrival until a list showed its case in its version or a later one."""
    turns = dict(Message.objects.filter(direction="inbound").values_list("pk", "external_id"))
    arrivals = Event.objects.filter(stream="case", kind="message_received").values_list("stream_id", "version", "data")
    waits = []
    for rep in reps:
        seen: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for pk, version, at in rep.saw():
            seen[pk].append((version, at))
        for pk, version, data in arrivals:
            shown = min(at for newer, at in seen[pk] if newer >= version)
            waits.append(shown - world.sent[turns[data["message"]]])
    return waits
