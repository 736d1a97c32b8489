"""The training loop with its batches, negatives and losses, and the interface of second objectives."""
