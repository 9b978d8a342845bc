"""Cases over HTTP: function views that find through `visible_to`, read one shape, call one verb, show one shape."""

from cases.conversation import Stale
from cases.models.case import AlreadyClaimed, AlreadyTheirs, Refusal
from cases.models.refusals import FieldsMissing
from cases.tasks import OpenTasks
from crm import rest


def _refused(error: Refusal) -> rest.Problem:
    return rest.Problem(409, "refused", str(error.message))


def _claimed(error: AlreadyClaimed) -> rest.Problem:
    return rest.Problem(409, "already_claimed", str(error.message), holder=error.holder.pk)


def _theirs(error: AlreadyTheirs) -> rest.Problem:
    return rest.Problem(409, "already_theirs", str(error.message), customer=error.holder.pk)


def _lacking(error: FieldsMissing) -> rest.Problem:
    wanted = [{"key": field.key, "name": field.name} for field in error.fields]
    return rest.Problem(409, "fields_missing", str(error.message), fields=wanted)


def _open_tasks(error: OpenTasks) -> rest.Problem:
    return rest.Problem(409, "open_tasks", str(error.message), tasks=[task.pk for task in error.tasks])


def _stale(error: Stale) -> rest.Problem:
    from cases.api.shapes import ListedMessage

    told = ListedMessage(error.newer, many=True).data  # type: ignore[arg-type]
    return rest.Problem(409, "stale", str(error.message), version=error.newer[-1].case.version, newer=told)


rest.means(Refusal, _refused)
rest.means(FieldsMissing, _lacking)
rest.means(OpenTasks, _open_tasks)
rest.means(AlreadyTheirs, _theirs)
rest.means(AlreadyClaimed, _claimed)
rest.means(Stale, _stale)
