"""Could all of it work here and now, and if not, what is to be done? One finding for each look."""
