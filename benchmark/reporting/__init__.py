"""Output of measured exhibits as Markdown, CSV, LaTeX, PNG and HTML."""
