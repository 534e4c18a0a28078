"""AMU-Bench: the harness. It knows what a predictor is, never which predictors there are."""

__version__ = "0.1.0"
