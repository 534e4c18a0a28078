"""The contract of all predictors, checked on toy data by `bench test-method`."""
