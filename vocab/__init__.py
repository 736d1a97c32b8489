"""Text to anchors: titles become sememes, sememes become the anchors that domains share. Knows no users, no models."""
