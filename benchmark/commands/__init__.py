"""The commands of `bench`, one file each: options, call, output. `benchmark.cli` assembles them."""
