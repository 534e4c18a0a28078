"""How the features of a run were made, by the headers of their files: device, precision, and resizing of the images."""

from benchmark.exhibits.opened import Opened
from benchmark.features import requests, shard_files

DEVICE, PRECISION, RESIZING = "device", "precision", "resizing"
"""Notes in the header of a file of features."""


def how_made(opened: Opened) -> dict[str, str]:
    """Conditions of the features of a run, for its record: "features_device", "features_precision", "features_resizing".

    Args:
        opened: Run whose features are on disk.

    Returns:
        Name -> value, of several values all; without what no header says, as of imported features.
    """
    world = opened.world
    asked = [request for request in requests.of(opened) if not requests.is_given(request, world)]
    headers = [shard_files.about(requests.path(request, world)) for request in asked]
    found = {
        f"features_{name}": sorted({said[name] for said in headers if said.get(name)})
        for name in (DEVICE, PRECISION, RESIZING)
    }
    return {name: "; ".join(values) for name, values in found.items() if values}
