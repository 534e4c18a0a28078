"""What an image takes is read from the notes of features, a look once, by the encoders that had it together."""

from benchmark.features import costs


def note(together: str, pictures: int, seconds: float) -> dict[str, str]:
    return {"together": together, "pictures": str(pictures), "seconds": str(seconds), "crops": ""}


def test_an_image_costs_the_median_of_its_group_and_of_all() -> None:
    notes = [note("RN50 dino", 100, 1.0), note("dino RN50", 100, 3.0), note("mae", 10, 1.0)]
    assert costs.of_notes(notes) == {"RN50 dino": 0.02, "mae": 0.1, costs.ANY: 0.03}


def test_the_files_of_one_look_count_once() -> None:
    twice = [note("RN50 dino", 100, 1.0)] * 2
    assert costs.of_notes([*twice, note("RN50 dino", 100, 4.0)]) == {"RN50 dino": 0.025, costs.ANY: 0.025}


def test_notes_without_times_say_nothing() -> None:
    assert costs.of_notes([{}, {"together": "RN50"}, note("RN50", 0, 1.0)]) == {}
