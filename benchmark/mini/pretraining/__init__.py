"""Pre-training of the encoders of the mini suite: one module an algorithm."""
