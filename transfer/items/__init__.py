"""Item vectors: channels, their features, sentence vectors and whitening."""
