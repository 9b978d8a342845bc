"""What cases has at /admin/ and /system/: a module for each group of pages, and what several share (`forms`, `publishing`, `effects`)."""

from cases.admin import answers as answers
from cases.admin import fields as fields
from cases.admin import filters as filters
from cases.admin import inbound as inbound
from cases.admin import macros as macros
from cases.admin import mailboxes as mailboxes
from cases.admin import outcomes as outcomes
from cases.admin import people as people
from cases.admin import playbooks as playbooks
from cases.admin import policies as policies
from cases.admin import queues as queues
from cases.admin import replies as replies
from cases.admin import rules as rules
from cases.admin import time as time
