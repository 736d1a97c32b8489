"""Ways for interests to enter a recommender that did not help."""
