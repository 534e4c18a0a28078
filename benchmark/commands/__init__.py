"""What each command of `bench` does; benchmark.cli parses and calls these."""
