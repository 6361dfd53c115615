"""Which views do analysts read? .sql files, all created anew by every `railhead migrate`."""
