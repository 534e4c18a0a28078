"""Records -> rows, comparisons and verdicts."""
