"""Sentence vectors: find an encoder, run its network, cache its vectors."""
