"""One module a part; each has ``run(options) -> list[Section]``."""
