"""Recommenders, one file each: settings, model, and the value that `transfer.registry` finds."""
