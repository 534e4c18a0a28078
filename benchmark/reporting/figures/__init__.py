"""Figures of the exhibits, one module for each kind of mark; `draw.draw` chooses by the exhibit's `mark.kind`."""
