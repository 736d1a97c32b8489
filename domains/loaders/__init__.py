"""Loaders, one file a format; `domains.loaders.loader` finds them by name."""
