"""How a customer's words sound: guessed from lists of words, then by what people marked (docs/sentiment.md)."""
