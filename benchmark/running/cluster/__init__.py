"""Execution of work by the workers of a dask.distributed scheduler, on this machine or on others."""
