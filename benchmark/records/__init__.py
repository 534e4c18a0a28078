"""Records of runs: their fields, their files, and the readings of cells."""
