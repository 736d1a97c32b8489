"""The sequential recommender: item vectors, an encoder, conditioning on interests, and scores."""
