"""Inspect data, and estimate what a run will do and cost, before training."""
