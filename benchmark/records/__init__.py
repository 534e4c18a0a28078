"""What a run leaves, how it is kept and how it is read."""
