"""A case that is merged takes its known problem with it, so that who reported it is told when there is news."""

from cases.models import Case
from crm.models import User
from outreach.models import ProblemCase

VIA = "merge"


def joined(kept: Case, gone: Case, by: User) -> None:
    """The kept case is about the same problem, unless it is about one already or that one is closed."""
    theirs = ProblemCase.objects.filter(case=gone).select_related("problem").first()
    taken = ProblemCase.objects.filter(case=kept).exists()
    if theirs is not None and theirs.problem.is_standing and not taken:
        theirs.problem.link(kept, by=by, via=VIA)


def parted(kept: Case, _gone: Case, by: User) -> None:
    """What it took over by the merge it holds no longer."""
    held = ProblemCase.objects.filter(case=kept, via=VIA).select_related("problem").first()
    if held is not None:
        held.problem.unlink(kept, by=by, via=VIA)
