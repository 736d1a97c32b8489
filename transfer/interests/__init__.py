"""Users' interests over anchors: made, carried in compact forms, and shown to models at the right time."""
