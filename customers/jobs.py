"""What the keeper repeats for customers. Each sweep is safe to run twice at once."""

from crm.jobs import every
from customers.merging import gather

every(5, name="customers.gather")(gather)
