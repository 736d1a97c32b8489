"""Using a target run: recommendations, seed interests, new items, evaluation of what was saved."""
