"""Titles to surface forms and lemmas, one module a library; `base` is the seam."""
