"""The violation of a clause."""


class Breach(AssertionError):
    """A predictor violates a clause; the message says how, in one line."""
