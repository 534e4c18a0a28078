"""Global state of the process that runs share: noted before a method runs, put back and named after it."""
