"""The chaos program: real parts, recorded senders, a seeded nemesis, and a checker of the sums."""
