"""The tables: numbered .sql files; the statements of an applied one are never edited."""
