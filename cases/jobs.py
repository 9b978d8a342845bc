"""What the keeper repeats for cases. Each sweep is safe to run twice at once."""

from cases.intake import sweep_inbound
from crm import limits
from crm.jobs import every

every(1, name="cases.inbound")(sweep_inbound)
every(3600, name="crm.limits")(limits.forget)
