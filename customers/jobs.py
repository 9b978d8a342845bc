"""What the keeper repeats for customers. Each sweep is safe to run twice at once."""

from crm.jobs import every
from customers.merging import gather
from customers.models.segment import REFRESH
from customers.segments import drop_turns, keep_up

every(5, name="customers.gather")(gather)
every(0.5, name=REFRESH)(keep_up)
every(3600, name="customers.segment_turns")(drop_turns)
