"""The interface of a few-shot method, imported by one line:

from benchmark.methods import Predictor, Recipe, Samples, Scores, Task
"""

from benchmark.methods.choice import Choice, Released
from benchmark.methods.predictor import Predictor
from benchmark.methods.recipe import Recipe
from benchmark.methods.samples import Batch, Features, Samples, Scores, Task

__all__ = ["Batch", "Choice", "Features", "Predictor", "Recipe", "Released", "Samples", "Scores", "Task"]
