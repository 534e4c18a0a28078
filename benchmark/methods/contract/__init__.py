"""The contract that every predictor keeps, and what it is tried on (`bench test-method`)."""
