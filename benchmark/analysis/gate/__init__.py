"""The gate (`bench check`): an effect and a verdict a cell against the reference run."""
