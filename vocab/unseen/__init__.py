"""Map words that are no anchors to similar anchors."""
