"""What the admins of things that live in immutable versions have in common: saving publishes; lists say what is touched."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cases.models import Queue
from crm.admin import HouseAdmin, me
from crm.models import User


class Publishing(HouseAdmin):
    """What lives in immutable versions: saving keeps the name and the marks, and publishes the rest."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        own = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=[name for name in form.changed_data if name in own] if change else None)
        form.publish(obj, me(request))

    @admin.display(description=_("version"))
    def version(self, row: Any) -> int | str:
        return row.current.number if row.current else "–"

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "queues":
            kwargs |= {
                "queryset": Queue.objects.steered_by(me(request)),
                "widget": UnfoldAdminCheckboxSelectMultipleWidget,
            }
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def only_theirs(rows: QuerySet[Any], user: User) -> QuerySet[Any]:
    """Those marked with queues they steer and with no other; administrators have every one."""
    if user.is_administrator:
        return rows
    steered = Queue.objects.steered_by(user).values("pk")
    marks = rows.model.queues.through.objects.filter(**{rows.model._meta.model_name: OuterRef("pk")})
    return rows.filter(Exists(marks), ~Exists(marks.exclude(queue__in=steered)))


def names(row: Any) -> str:
    return ", ".join(queue.name for queue in row.queues.all())
