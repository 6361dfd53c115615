"""Which tables are there? Numbered .sql files; an applied one is never edited."""
