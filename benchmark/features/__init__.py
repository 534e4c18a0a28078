"""Features of images on disk: requests, extraction, shard files, and zero-shot classifiers."""
