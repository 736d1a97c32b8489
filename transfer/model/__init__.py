"""One recommender: items, an encoder, how interests reach it, and the names of all combinations."""
