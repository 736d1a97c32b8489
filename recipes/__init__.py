"""Declarative recipes, one an experiment or a pair of domains, and the schema that checks them."""
