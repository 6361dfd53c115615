"""Dead letters that people can use: find rejected items, read them, send them again."""
