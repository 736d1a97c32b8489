"""Search for the settings of a recipe, on validation users only."""
