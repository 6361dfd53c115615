"""The command `tenant`."""
