"""Griffe reads doctests under "Examples:" alone; the docstrings here have one example each and say "Example:"."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Docstrings whose section "Example:" is read as one of doctests."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rename the section in the docstring of a loaded object."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
