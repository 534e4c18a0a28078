"""Data sets behind one small interface, few-shot sampling, and the views of an image."""
