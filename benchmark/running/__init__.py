"""Run -> record: the plan, the workers, one training, three selections."""
