"""Rules: when something happens in a case, and if a condition holds, then this is done (docs/rules.md)."""
