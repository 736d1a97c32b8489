"""WordNet 3.0, bundled, and what the project asks of it."""
