"""Run -> record: the plan, the workers, one training, four selections."""
