"""Making good: what a policy gives in a case, who may grant it, and giving it once (docs/policies.md)."""
