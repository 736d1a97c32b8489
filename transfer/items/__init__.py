"""What an item is: channels, their features, and a target's titles on the anchors of a source."""
