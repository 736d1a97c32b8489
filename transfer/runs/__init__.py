"""Runs: plan, fit sources, adapt to a target, checkpoints, artifacts."""
