"""The rendered world: classes, factors, images and captions, distribution shifts, downstream tasks."""
