"""Recommenders, one file for each: its settings, its model, and the value that `transfer.registry` loads."""
