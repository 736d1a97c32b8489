"""Ranking of held-out items, metrics, and comparison of variants."""
