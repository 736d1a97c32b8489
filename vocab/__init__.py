"""Text to anchors: titles become sememes, sememes the anchors of all domains. Knows no users, no models."""
