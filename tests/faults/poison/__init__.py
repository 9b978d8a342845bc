"""An app of tasks that behave as badly as tasks can, installed by tests.faults.settings."""
