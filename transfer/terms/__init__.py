"""Items against a user's recent items, by anchors and titles; its few weights are found on validation."""
