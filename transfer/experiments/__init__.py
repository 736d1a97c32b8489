"""Experiments: run many recipes, variants and seeds in parallel processes; interrupted ones resume."""
