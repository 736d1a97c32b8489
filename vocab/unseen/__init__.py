"""Words that are no anchors: stand-ins for them, how they are found, reported and saved."""
