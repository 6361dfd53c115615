"""Results on their way to the client: formats, Native rewriting, streaming, summaries."""
