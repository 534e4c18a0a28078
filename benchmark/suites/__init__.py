"""What the paper's roles are in a suite, and the data sets and encoders that play them."""
