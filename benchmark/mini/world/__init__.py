"""The rendered world: its classes, factors, pictures and captions; its shifts and downstream tasks."""
