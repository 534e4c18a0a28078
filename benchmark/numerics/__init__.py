"""Pure arithmetic on tensors and arrays: no file, no method."""
