"""The views for analysts: .sql files, all replaced by every `railhead migrate`."""
