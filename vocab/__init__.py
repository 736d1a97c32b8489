"""Turn texts into anchors: titles give sememes, and frequent sememes become anchors. Knows no users and no models."""
