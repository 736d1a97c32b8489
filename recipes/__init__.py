"""Recipes and experiments as YAML, and the schema that validates them."""
