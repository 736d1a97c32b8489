"""What any sceptic asks for first: recommenders without a trained model."""
