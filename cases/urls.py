"""The console's addresses. What a person does to a case is a noun under it."""

from django.urls import URLPattern, URLResolver, path

from cases.views import composing, need, panels, presence, promising, queue, room, searching, skills, verbs, whose

app_name = "cases"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", queue.home, name="home"),
    path("presence/", presence.mine, name="presence"),
    path("queues/<int:pk>/", queue.queue, name="queue"),
    path("queues/<int:pk>/counts/", queue.counts, name="counts"),
    path("queues/<int:pk>/session/", queue.session, name="session"),
    path("queues/<int:pk>/next/", queue.take_next, name="next"),
    path("cases/<int:number>/", room.case, name="case"),
    path("cases/<int:number>/earlier/", room.earlier, name="earlier"),
    path("cases/<int:number>/fragments/", room.fragments, name="fragments"),
    path("cases/<int:number>/claim/", verbs.claim, name="claim"),
    path("cases/<int:number>/assignment/", verbs.assignment, name="assignment"),
    path("cases/<int:number>/transfer/", verbs.transfer, name="transfer"),
    path("cases/<int:number>/customer/", whose.customer, name="customer"),
    path("cases/<int:number>/nobody/", whose.nobody, name="nobody"),
    path("cases/<int:number>/status/", verbs.status, name="status"),
    path("cases/<int:number>/resolution/", verbs.resolution, name="resolution"),
    path("cases/<int:number>/need/", need.need, name="need"),
    path("cases/<int:number>/messages/<int:pk>/feeling/", need.feeling, name="feeling"),
    path("cases/<int:number>/snooze/", verbs.snooze, name="snooze"),
    path("cases/<int:number>/priority/", verbs.priority, name="priority"),
    path("cases/<int:number>/tags/", verbs.tags, name="tags"),
    path("cases/<int:number>/skills/", skills.needed, name="skills"),
    path("cases/<int:number>/promises/", promising.promises, name="promises"),
    path("cases/<int:number>/promises/<int:pk>/keeping/", promising.keeping, name="keeping"),
    path("cases/<int:number>/messages/", composing.messages, name="messages"),
    path("cases/<int:number>/messages/<int:pk>/undo/", composing.undo, name="undo"),
    path("cases/<int:number>/messages/<int:pk>/retry/", composing.retry, name="retry"),
    path("cases/<int:number>/drafts/<str:kind>/", composing.draft, name="draft"),
    path("cases/<int:number>/people/", composing.people, name="people"),
    path("cases/<int:number>/answers/", panels.answers, name="answers"),
    path("cases/<int:number>/answers/<int:pk>/use/", panels.use_answer, name="use_answer"),
    path("cases/<int:number>/since/", panels.since, name="since"),
    path("cases/<int:number>/others/", panels.others, name="others"),
    path("search/", searching.search, name="search"),
]
