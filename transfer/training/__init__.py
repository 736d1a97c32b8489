"""The one training loop, its batches, negatives and losses, and objectives beside them."""
