"""Loaders, one file per format. `domains.loaders.loader` finds them by name."""
