"""Users' interests over anchors: the original ones, their compact forms, and which ones a model may see when."""
