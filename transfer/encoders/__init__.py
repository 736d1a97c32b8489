"""Sequence encoders map an embedded sequence and a mask to hidden states."""
