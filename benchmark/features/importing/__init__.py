"""Import of released features: reading, checks, and a suite in which exhibits can be run on them."""
