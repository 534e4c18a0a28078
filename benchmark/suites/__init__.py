"""Suites: which data sets and encoders fill the paper's roles, and those opened on this machine."""
