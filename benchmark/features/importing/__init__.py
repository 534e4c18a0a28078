"""Features that others made: read, checked, and a suite of them."""
