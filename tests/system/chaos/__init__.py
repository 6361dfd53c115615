"""The chaos program: real parts, recorded clients, a seeded nemesis, and a checker of the sums."""
