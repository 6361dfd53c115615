"""Other people's clients against `railhead clickhouse`: one small program for each."""
