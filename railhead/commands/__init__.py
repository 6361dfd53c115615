"""One module per command; `railhead.cli` lists them."""
