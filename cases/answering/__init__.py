"""Which article answers a question: learned from what answered before, in this process (docs/answers.md)."""
