"""Loaders, one file a format; `domains.loaders.registry` finds them by name."""
