"""The source artifact: fitted once, serialized, extended."""
