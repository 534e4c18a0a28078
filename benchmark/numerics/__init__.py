"""Arithmetic on tensors and arrays that needs neither files nor methods."""
