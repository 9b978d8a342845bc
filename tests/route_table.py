"""Who gets which answer at which address: one line a method of a route, one column a role. Read by tests/test_routes.py.

`login` is the way to the sign-in page. A method without a line answers 405 (or the refusal the first line's role gets).
`#name` tells apart bodies of one method; what is sent is in tests/route_bodies.py. Ids in `<…>` are filled in by the test's world,
where the case and everything else is Billing's, and "elsewhere" is a rep of another queue.
"""

from tests.route_table_api import API

# Held elsewhere: the two admins are crawled by their own tests, the example plugin's page by tests/plugin's.
DELEGATED = ("admin/", "system/", "plugins/")

# nobody: signed out; joined, watched and worked tell the three states of one executive.
ROLES = ["nobody", "rep", "elsewhere", "lead", "supervisor", "executive", "watching", "working", "administrator"]

TABLE = """
#                                                   nobody rep  else lead sup  exec wtch work admin

# --- the house
GET    sign-in/                                      200   302  302  302  302  302  302  302  302
POST   sign-in/                                      422   302  302  302  302  302  302  302  302
POST   sign-out/                                     302   302  302  302  302  302  302  302  302
GET    health/live                                   200   200  200  200  200  200  200  200  200
GET    health/ready                                  503   503  503  503  503  503  503  503  503
GET    metrics                                       200   200  200  200  200  200  200  200  200
GET    robots.txt                                    200   200  200  200  200  200  200  200  200
GET    sent/                                       login   200  200  200  200  200  200  200  200
GET    sent/<int:pk>/                              login   404  404  404  404  404  404  404  200

# --- the public: a file needs the sight of its case, whatever its link; a channel needs its signature
GET    contact/                                      200   200  200  200  200  200  200  200  200
POST   contact/                                      200   200  200  200  200  200  200  200  200
GET    contact/<slug:topic>/                         200   200  200  200  200  200  200  200  200
POST   contact/<slug:topic>/                         200   200  200  200  200  200  200  200  200
GET    contact/thanks/<str:token>/                   404   404  404  404  404  404  404  404  404
GET    status/<str:token>/                           404   404  404  404  404  404  404  404  404
POST   status/<str:token>/                           404   404  404  404  404  404  404  404  404
POST   status/<str:token>/survey/                    404   404  404  404  404  404  404  404  404
GET    attachments/<slug:token>/                     404   200  404  200  200  404  200  200  200
GET    messages/<slug:token>/text/                   404   200  404  200  200  404  200  200  200
GET    messages/<slug:token>/body/                   404   200  404  200  200  404  200  200  200
GET    messages/<slug:token>/picture/                404   404  404  404  404  404  404  404  404
POST   api/inbound/<slug:slug>/                      401   401  401  401  401  401  401  401  401
POST   api/inbound/<slug:slug>/receipts/             401   401  401  401  401  401  401  401  401

# --- the console
GET                                                login   302  302  302  302  200  302  302  302
GET    presence/                                   login   302  302  302  302  302  302  302  302
POST   presence/                                   login   302  302  302  302  302  302  302  302
GET    notifications/                              login   200  200  200  200  200  200  200  200
GET    notifications/bell/                         login   200  200  200  200  200  200  200  200
POST   notifications/read/                         login   302  302  302  302  302  302  302  302
POST   notifications/read/#case                    login   302  404  302  302  404  302  302  302
POST   notifications/snooze/                       login   302  404  302  302  404  302  302  302
POST   notifications/devices/                      login   409  409  409  409  409  409  409  409
POST   notifications/devices/<int:pk>/             login   404  404  404  404  404  404  404  404
GET    push-worker.js                                200   200  200  200  200  200  200  200  200
GET    notifications/settings/                     login   200  200  200  200  200  200  200  200
POST   notifications/settings/                     login   302  302  302  302  302  302  302  302
POST   cases/<int:number>/following/               login   303  404  303  303  404  303  303  303
DELETE cases/<int:number>/following/               login   303  404  303  303  404  303  303  303
POST   cases/<int:number>/mute/                    login   302  404  302  302  404  302  302  302
GET    board/                                      login   403  403  200  200  403  403  403  200
GET    board/feelings/                             login   403  403  200  200  403  403  403  200
GET    board/surveys/                              login   403  403  200  200  403  403  403  200
GET    people/<int:user>/presence/                 login   403  404  200  200  404  403  403  200
POST   people/<int:user>/presence/                 login   403  404  302  302  404  403  403  302
POST   people/<int:user>/capacity/                 login   403  404  302  302  404  403  403  302
GET    people/<int:user>/cases/                    login   403  404  200  200  404  403  403  200
GET    queues/<int:pk>/figures/<slug:name>/        login   403  404  200  200  404  403  403  200
GET    queues/<int:pk>/burning/<slug:name>/        login   403  404  200  200  404  403  403  200
GET    queues/<int:pk>/leveling/                   login   403  404  200  200  404  403  403  200
POST   queues/<int:pk>/leveling/                   login   403  404  302  302  404  403  403  302
GET    queues/<int:pk>/                            login   200  404  200  200  404  200  200  200
GET    queues/<int:pk>/counts/                     login   200  404  200  200  404  200  200  200
GET    queues/<int:pk>/filters/                    login   200  404  200  200  404  200  200  200
POST   queues/<int:pk>/filters/                    login   302  404  302  302  404  302  302  302
GET    queues/<int:pk>/filters/<int:saved>/        login   200  404  200  200  404  200  200  200
POST   queues/<int:pk>/filters/<int:saved>/        login   403  404  302  302  404  403  403  302
DELETE queues/<int:pk>/filters/<int:saved>/        login   403  404  302  302  404  403  403  302
POST   queues/<int:pk>/filters/<int:saved>/place/  login   403  404  302  302  404  403  403  302
GET    queues/<int:pk>/bulk/                       login   200  404  200  200  404  200  200  200
POST   queues/<int:pk>/bulk/                       login   302  404  302  302  404  403  302  302
GET    bulk/                                       login   200  200  200  200  200  200  200  200
GET    bulk/<int:pk>/                              login   200  404  404  404  404  404  404  404
POST   bulk/<int:pk>/                              login   302  404  404  404  404  404  404  404
DELETE bulk/<int:pk>/                              login   302  404  404  404  404  404  404  404
POST   bulk/<int:pk>/undo/                         login   302  404  404  404  404  404  404  404
POST   queues/<int:pk>/session/                    login   404  404  404  404  302  302  302  302
PUT    queues/<int:pk>/session/                    login   404  404  404  404  404  204  204  404
DELETE queues/<int:pk>/session/                    login   404  404  404  404  302  302  302  302
POST   queues/<int:pk>/next/                       login   302  404  302  302  404  403  302  302
GET    cases/<int:number>/                         login   200  404  200  200  404  200  200  200
GET    cases/<int:number>/earlier/                 login   200  404  200  200  404  200  200  200
GET    cases/<int:number>/fragments/               login   303  404  303  303  404  303  303  303
GET    cases/<int:number>/nobody/                  login   302  404  302  302  404  302  302  302
GET    cases/<int:number>/customer/                login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/customer/                login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/claim/                   login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/assignment/              login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/assignment/              login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/assignment/#back         login   303  404  303  303  404  403  303  303
DELETE cases/<int:number>/assignment/              login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/transfer/                login   200  404  200  200  404  200  200  200
GET    cases/<int:number>/whispers/                login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/whispers/                login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/messages/#whisper        login   403  404  409  409  404  403  403  409
POST   cases/<int:number>/helping/                 login   403  404  409  409  404  403  403  409
DELETE cases/<int:number>/helping/                 login   403  404  303  303  404  403  403  303
GET    cases/<int:number>/takeover/                login   403  404  200  200  404  403  403  200
POST   cases/<int:number>/takeover/                login   403  404  409  409  404  403  403  409
POST   cases/<int:number>/transfer/                login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/status/                  login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/status/                  login   303  404  303  303  404  403  303  303
POST   cases/<int:number>/resolution/              login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/need/                    login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/need/                    login   303  404  303  303  404  403  303  303
DELETE cases/<int:number>/need/                    login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/outcome/                   login  200  404  200  200  404  403  200  200
POST   cases/<int:number>/outcome/                   login  303  404  303  303  404  403  303  303
GET    cases/<int:number>/messages/<int:pk>/feeling/ login  200  404  200  200  404  200  200  200
POST   cases/<int:number>/messages/<int:pk>/feeling/ login  409  404  409  409  404  403  409  409
GET    cases/<int:number>/merge/                   login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/merge/                   login   409  404  409  409  404  403  403  409
DELETE cases/<int:number>/merge/                   login   409  404  409  409  404  403  403  409
GET    cases/<int:number>/links/                   login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/links/                   login   303  404  303  303  404  403  403  303
DELETE cases/<int:number>/links/<int:pk>/          login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/links/<int:pk>/          login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/messages/<int:pk>/split/ login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/messages/<int:pk>/split/ login   409  404  409  409  404  403  403  409
GET    cases/<int:number>/status-page/             login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/status-page/             login   303  404  303  303  404  403  403  303
DELETE cases/<int:number>/status-page/             login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/snooze/                  login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/snooze/                  login   303  404  303  303  404  403  403  303
DELETE cases/<int:number>/snooze/                  login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/priority/                login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/priority/                login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/tags/                    login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/tags/                    login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/fields/                  login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/fields/                  login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/fields/form/             login   200  404  200  200  404  403  200  200
GET    tasks/                                      login   200  200  200  200  200  200  200  200
GET    cases/<int:number>/playbook/                login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/playbook/                login   303  404  303  303  404  403  303  303
POST   cases/<int:number>/playbook/step/           login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/tasks/                   login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/tasks/                   login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/tasks/form/              login   200  404  200  200  404  403  200  200
POST   cases/<int:number>/tasks/done/              login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/tasks/<int:pk>/          login   200  404  200  200  404  403  200  200
POST   cases/<int:number>/tasks/<int:pk>/          login   303  404  303  303  404  403  303  303
DELETE cases/<int:number>/tasks/<int:pk>/          login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/sides/                   login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/sides/                   login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/sides/form/              login   200  404  200  200  404  403  403  200
GET    cases/<int:number>/sides/<int:pk>/          login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/sides/<int:pk>/          login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/side-messages/<int:pk>/undo/     login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/side-messages/<int:pk>/retry/    login   303  404  303  303  404  403  403  303
GET    side-files/<slug:token>/                    login   200  404  200  200  404  200  200  200
GET    cases/<int:number>/reminders/               login   200  404  200  200  404  403  200  200
POST   cases/<int:number>/reminders/               login   303  404  303  303  404  403  303  303
POST   cases/<int:number>/reminders/<int:pk>/      login   303  404  404  404  404  403  404  404
DELETE cases/<int:number>/reminders/<int:pk>/      login   303  404  404  404  404  403  404  404
GET    cases/<int:number>/skills/                  login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/skills/                  login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/promises/                login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/promises/<int:pk>/keeping/ login  303  404  303  303  404  403  303  303
POST   cases/<int:number>/messages/#reply          login   303  404  303  303  404  403  303  303
POST   cases/<int:number>/messages/#note           login   303  404  303  303  404  403  303  303
POST   cases/<int:number>/messages/<int:pk>/undo/  login   303  404  409  409  404  403  409  409
POST   cases/<int:number>/messages/<int:pk>/retry/ login   303  404  303  303  404  403  303  303
POST   cases/<int:number>/drafts/<str:kind>/       login   200  404  200  200  404  403  200  200
DELETE cases/<int:number>/drafts/<str:kind>/       login   204  404  204  204  404  204  204  204
GET    cases/<int:number>/people/                  login   200  404  200  200  404  200  200  200
GET    cases/<int:number>/answers/                 login   200  404  200  200  404  200  200  200
GET    approvals/                                  login   403  403  200  200  403  403  403  200
GET    fairness/                                   login   403  403  200  200  403  403  403  200
GET    cases/<int:number>/remedies/                login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/remedies/                login   303  404  303  303  404  403  403  303
GET    cases/<int:number>/remedies/form/           login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/remedies/<int:pk>/       login   303  404  303  303  404  403  403  303
DELETE cases/<int:number>/remedies/<int:pk>/       login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/remedies/<int:pk>/approval/ login 403 404  303  303  404  403  403  303
POST   cases/<int:number>/remedies/<int:pk>/giving/ login  403  404  409  409  404  403  403  409
GET    cases/<int:number>/macros/                  login   200  404  200  200  404  403  200  200
GET    cases/<int:number>/macros/<int:pk>/         login   200  404  200  200  404  403  200  200
POST   cases/<int:number>/macros/<int:pk>/         login   303  404  303  303  404  403  303  303
GET    cases/<int:number>/saved-replies/           login   200  404  200  200  404  403  200  200
POST   cases/<int:number>/saved-replies/<int:pk>/use/ login 204  404  204  204  404  403  204  204
GET    replies/                                    login   200  200  200  200  403  403  403  200
GET    replies/new/                                login   200  200  200  200  403  403  403  200
POST   replies/new/                                login   302  302  302  302  403  403  403  302
POST   replies/preview/                            login   200  200  200  200  403  403  403  200
GET    replies/<int:pk>/                           login   200  404  404  404  403  403  403  404
POST   replies/<int:pk>/                           login   302  404  404  404  403  403  403  404
POST   cases/<int:number>/answers/<int:pk>/use/    login   204  404  204  204  404  403  204  204
GET    cases/<int:number>/since/                   login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/issue/<int:other>/        login   200  404  200  200  404  403  403  200
DELETE cases/<int:number>/issue/<int:other>/        login   200  404  200  200  404  403  403  200
GET    cases/<int:number>/others/                  login   200  404  200  200  404  200  200  200
GET    cases/<int:number>/rules/                   login   200  404  200  200  404  403  403  200
GET    cases/<int:number>/offer/                   login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/offer/                   login   409  404  409  409  404  403  403  409
GET    cases/<int:number>/offer/trace/             login   200  404  200  200  404  403  403  200
POST   cases/<int:number>/offer/response/          login   409  404  409  409  404  403  403  409
GET    search/                                     login   200  200  200  200  200  200  200  200
GET    search/suggestions/                         login   200  200  200  200  200  200  200  200

# --- the customers' pages, and what a customer wants to hear (by signed link)
GET    customers/                                  login   200  200  200  200  200  200  200  200
GET    customers/<int:pk>/                         login   200  200  200  200  404  200  200  200
GET    customers/<int:pk>/card/                    login   200  200  200  200  404  200  200  200
GET    customers/<int:pk>/since/                   login   200  200  200  200  404  200  200  200
GET    customers/<int:pk>/timeline/                login   200  200  200  200  404  200  200  200
GET    customers/<int:pk>/panels/<slug:name>/      login   200  200  200  200  404  200  200  200
GET    customers/<int:pk>/profile/                 login   200  200  200  200  404  403  403  200
POST   customers/<int:pk>/profile/                 login   302  302  302  302  404  403  403  302
POST   customers/<int:pk>/contact-points/          login   302  302  302  302  404  403  403  302
POST   customers/contact-points/<int:pk>/verification/ login   302  302  302  302  404  403  403  302
POST   customers/contact-points/<int:pk>/ending/   login   302  302  302  302  404  403  403  302
POST   customers/<int:pk>/consents/                login   302  302  302  302  404  403  403  302
GET    customers/<int:pk>/merges/                  login   200  200  200  200  404  403  403  200
POST   customers/<int:pk>/merges/                  login   302  302  302  302  404  403  403  302
POST   customers/<int:pk>/merges/#none             login   404  404  404  404  404  403  403  404
POST   customers/merges/<int:pk>/undoing/          login   302  302  302  302  404  403  403  302
GET    preferences/<str:token>/                      200   200  200  200  200  200  200  200  200
GET    unsubscribe/<str:token>/                      200   200  200  200  200  200  200  200  200
POST   unsubscribe/<str:token>/                      200   200  200  200  200  200  200  200  200
POST   unsubscribe/<str:token>/#other                200   200  200  200  200  200  200  200  200
POST   preferences/<str:token>/                      302   302  302  302  302  302  302  302  302

# --- known problems and notices: the whole house's, read by all, written by leads, let out by supervisors
GET    cases/<int:number>/problem/                   login   200  404  200  200  404  200  200  200
POST   cases/<int:number>/problem/#link              login   303  404  303  303  404  403  403  303
POST   cases/<int:number>/problem/#declare           login   403  404  409  409  404  403  403  409
DELETE cases/<int:number>/problem/                   login   303  404  303  303  404  403  403  303
GET    problems/                                     login   200  200  200  200  200  200  200  200
POST   problems/                                     login   403  403  302  302  403  403  403  302
GET    problems/catalogue/                           login   403  403  200  200  403  403  403  200
GET    problems/<int:pk>/                            login   200  200  200  200  200  200  200  200
GET    problems/<int:pk>/standing/                   login   200  200  200  200  200  200  200  200
GET    problems/<int:pk>/examples/                   login   200  200  200  200  200  200  200  200
GET    problems/<int:pk>/wording/                    login   403  403  200  200  403  403  403  200
POST   problems/<int:pk>/wording/                    login   403  403  302  302  403  403  403  302
GET    problems/<int:pk>/condition/                  login   403  403  200  200  403  403  403  200
POST   problems/<int:pk>/condition/                  login   403  403  302  302  403  403  403  302
POST   problems/<int:pk>/preview/                    login   403  403  200  200  403  403  403  200
POST   problems/<int:pk>/cases/                      login   302  302  302  302  403  403  403  302
POST   problems/<int:pk>/closing/                    login   403  403  302  302  403  403  403  302
POST   problems/<int:pk>/reopening/                  login   403  403  302  302  403  403  403  302
GET    problems/<int:pk>/notices/                    login   403  403  200  200  403  403  403  200
POST   problems/<int:pk>/notices/                    login   403  403  302  302  403  403  403  302
GET    notices/<int:pk>/                             login   200  200  200  200  200  200  200  200
GET    notices/<int:pk>/words/                       login   403  403  200  200  403  403  403  200
POST   notices/<int:pk>/words/                       login   403  403  302  302  403  403  403  302
GET    notices/<int:pk>/mail/                        login   200  200  200  200  200  200  200  200
GET    notices/<int:pk>/progress/                    login   200  200  200  200  200  200  200  200
POST   notices/<int:pk>/approval/                    login   403  403  403  302  403  403  403  302
POST   notices/<int:pk>/pause/                       login   403  403  403  302  403  403  403  302
POST   notices/<int:pk>/resumption/                  login   403  403  403  302  403  403  403  302
POST   notices/<int:pk>/stop/                        login   403  403  403  302  403  403  403  302
GET    notices/<int:pk>/deliveries/                  login   200  200  200  200  200  200  200  200
POST   notices/deliveries/<int:pk>/repeat/           login   403  403  403  302  403  403  403  302
"""
TABLE += API
