"""Recommenders, one file each: settings, what is learned, and the value that `transfer.registry` finds by name."""
