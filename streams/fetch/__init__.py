"""Opens fetched record batches in bounded chunks and turns them into columns."""
