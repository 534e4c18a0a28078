"""In which state a published asset, a data set or a file of weights, was found: the words of doctor, weights and refusals."""

OK, ALIAS, DIFFERS = "ok", "ok (alias)", "hash differs"
MISSING, WRONG, INCOMPLETE = "missing", "wrong kind", "incomplete"
USABLE = (OK, ALIAS, DIFFERS)
"""States in which there is something to read. `DIFFERS`: it is not what is published, or not what was used before."""
