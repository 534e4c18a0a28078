"""The commands of `bench`, one file each: its options, and its call. `benchmark.cli` assembles them.

The files of this folder import neither torch nor anything else that takes seconds, so that --help and typing mistakes are
answered at once. The work of a command that needs such imports is in the file of its name in `benchmark.commands.actions`.
"""
