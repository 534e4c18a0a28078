"""Images -> features on disk: requests, extraction, shards, zero-shot classifiers."""
