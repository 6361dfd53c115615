"""Dead letters for people: find rejected items, read them, send them again."""
