"""What every package stands on: errors, names, files, settings, devices, hashes of files and of plain data."""
