"""Foundations that every other package uses: errors, names, files, settings, devices, hashes of files and of plain data."""
