"""Ranks, metrics and their comparison."""
