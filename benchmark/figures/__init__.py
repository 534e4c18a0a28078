"""The pictures, one module for each kind of mark; `benchmark.figure.draw` chooses by the exhibit's `mark.kind`."""
