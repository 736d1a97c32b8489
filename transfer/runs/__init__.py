"""Runs: plan, fit the sources, adapt to a target, keep what is finished, write artifacts."""
