"""Adapting to a target: every variant and seed, piece by piece, into one target run."""
