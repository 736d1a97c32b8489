"""Carry what was learned in some domains into a recommender for another one, with no shared users."""
