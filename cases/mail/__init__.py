"""Mail as the world writes it: read, made harmless, recognised, and tied to its case."""
