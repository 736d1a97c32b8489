"""The one training loop, its batches, negatives and losses, and additional objectives."""
