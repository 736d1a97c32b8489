"""Use of a target run: recommendations for users, histories and interests, new items, reasons, export, service."""
