"""What a text is about: category, type, urgency, risk, place. An island: text in, labels out."""
