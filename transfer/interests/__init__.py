"""Users' interests over anchors: original interests, compact forms, and views for training and evaluation."""
