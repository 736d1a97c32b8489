"""Sequence encoders: embedded sequence and mask in, hidden states out."""
