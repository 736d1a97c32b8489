"""Experiments: many variants, seeds and data sets from one recipe, resumable, in processes."""
