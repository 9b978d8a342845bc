"""What must be true before the house opens."""
