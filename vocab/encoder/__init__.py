"""Sentence vectors: where an encoder comes from, its network, and a cache of what it computed."""
