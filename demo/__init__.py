"""The demo: posts an evening at a casino and checks that all of it arrives."""
