"""Rows -> Markdown, CSV, LaTeX, PNG and the HTML page."""
