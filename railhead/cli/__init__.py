"""One module per command; `railhead.cli.main` lists them."""
