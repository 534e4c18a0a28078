"""How the mini suite's encoders are pre-trained: one file an algorithm."""
