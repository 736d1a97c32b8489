"""Late terms: scores from texts and counts of items, added to the score of any model or used alone."""
