"""A page for each method that an exhibit names: all of it read from the class, its constructor and its comments."""

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence

from parts import documented, table

from benchmark.core.dotted import flat
from benchmark.core.text import markdown
from benchmark.exhibits import exhibit
from benchmark.exhibits.naming import METHODS, method_named, methods
from benchmark.exhibits.run import sees
from benchmark.methods import Predictor
from benchmark.methods.construct import construct, predictor_class, published
from benchmark.methods.crops import words
from benchmark.suites import suite

SHOTS = (1, 2, 4, 8, 16)


def pages() -> dict[str, str]:
    """Path -> text: the list of all methods, then each method, in the order of Table 4 and then of the others."""
    rows = [row["method"] for name in (METHODS, *exhibit.names()) for row in exhibit.load(name).rows if "method" in row]
    order = list(dict.fromkeys([*rows, *sorted(methods())]))
    return {"methods/index.md": _index(order), **{path(method): _page(method) for method in order}}


def path(method: str) -> str:
    """Path of a method's page."""
    return f"methods/{method.partition(':')[2].lower()}.md"


def title(method: str) -> str:
    """The method's row, that of several which the others only qualify ("LP++ (released code)"), or else its class."""
    rows = {row["name"] for name in exhibit.names() for row in exhibit.load(name).rows if row.get("method") == method}
    shortest = min(rows, key=len, default="")
    other = shortest if all(row.startswith(shortest) for row in rows) else ""
    return markdown(method_named(method, other))


def _index(order: Sequence[str]) -> str:
    lines = [
        "# Methods",
        "",
        "Every method is a logit bias, s = s₀ + w(s₀) · s_bias: a feature, a predictor of the bias, a fusion.",
        "Each page is read from the method's class and the comments in its constructor, which name the sources.",
        "",
        table(["method", "feature", "predictor", "fusion", "is given"], map(_line, order)),
    ]
    return "\n".join(lines)


def _line(method: str) -> list[str]:
    cls = predictor_class(method)
    link = f"[{title(method)}]({path(method).removeprefix('methods/')})"
    return [link, cls.feature, cls.predictor, cls.fusion_kind, sees(method, {})]


def _page(method: str) -> str:
    module, _, name = method.partition(":")
    cls = predictor_class(method)
    file = f"{module.replace('.', '/')}.py"
    lines = [
        f"# {title(method)}",
        "",
        inspect.getdoc(importlib.import_module(module)) or "",
        "",
        table(["", ""], _facts(method, cls)),
        "## Formula, arguments and code",
        "",
        documented(f"{module}.{name}", show_source="true"),
        "",
        f"The whole file, with its constants and their sources: [{file}](../source/{file}.md).",
        "",
        "## Settings",
        "",
        table(["setting", "value", "source"], _settings(method, cls)),
        *_readings(method, cls),
        *_published(method),
    ]
    return "\n".join(lines)


def _facts(method: str, cls: type[Predictor]) -> Iterator[list[str]]:
    released = cls.released
    yield ["class", f"`{method}`"]
    yield ["feature, predictor, fusion (Table 1)", f"{cls.feature}, {cls.predictor}, {cls.fusion_kind}"]
    yield ["is given", sees(method, {})]
    if released.source:
        yield ["released code", released.source]
    yield ["chosen there", "; ".join([released.choice.words, *(f"on {d}: {c.words}" for d, c in released.on.items())])]
    tunes = construct(method, {}).tunes
    yield ["searched after training", "; ".join(f"{name} over {_values(tunes[name])}" for name in tunes) or "nothing"]
    yield ["trains on", "images as tested" if cls.crops is None else f"random crops of {words(cls.crops)} of the area"]
    if cls.note:
        yield ["remark", cls.note]
    yield ["stands in", ", ".join(f"[{e.title}](../exhibits/{e.id}.md)" for e in _exhibits(method))]


def _exhibits(method: str) -> Iterator[exhibit.Exhibit]:
    for name in exhibit.names():
        shown = exhibit.load(name)
        if any(part.get("method") == method for part in (shown.fixed, *shown.columns, *shown.rows)):
            yield shown


def _settings(method: str, cls: type[Predictor]) -> Iterator[list[str]]:
    """Every setting at its default: name, value, and the comment beside the default or over the constant that it names."""
    comments = _comments(cls)
    said = set()
    for name, value in flat(construct(method, {}).settings()).items():
        argument = name.partition(".")[0]
        yield [f"`{name}`", f"`{value}`", comments.get(argument, "") if argument not in said else "″"]
        said.add(argument)


def _comments(cls: type[Predictor]) -> Mapping[str, str]:
    """Argument of the constructor -> its comment, or that of the constant of the module which is its default."""
    owner = next(parent for parent in cls.__mro__ if "__init__" in vars(parent))
    lines = inspect.getsource(importlib.import_module(owner.__module__)).splitlines()
    tree = ast.parse("\n".join(lines))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    init = next(n for n in classes[owner.__name__].body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    constants = {target.id: node for node in tree.body for target in _assigned(node)}
    found = {}
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        constant = constants.get(default.id) if isinstance(default, ast.Name) else None
        own = _beside(lines, argument.lineno)
        found[argument.arg] = own or (_over(lines, constant.lineno) if constant else "")
    return found


def _assigned(node: ast.stmt) -> Iterator[ast.Name]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from (target for target in targets if isinstance(target, ast.Name))


def _beside(lines: Sequence[str], number: int) -> str:
    """The comment at the end of a line, counted from 1."""
    return lines[number - 1].partition("  # ")[2]


def _over(lines: Sequence[str], number: int) -> str:
    """The comment at the end of a line, or else the lines of comment over it."""
    above = []
    for line in reversed(lines[: number - 1]):
        if not line.startswith("# "):
            break
        above.insert(0, line.removeprefix("# "))
    return _beside(lines, number) or " ".join(above)


def _readings(method: str, cls: type[Predictor]) -> list[str]:
    """The settings in which the readings of a method with a `preset` differ: the paper's, the released code's."""
    if "preset" not in inspect.signature(cls).parameters:
        return []
    modules = [importlib.import_module(parent.__module__) for parent in cls.__mro__]
    presets = next([*module.PRESETS] for module in modules if hasattr(module, "PRESETS"))
    settings = {preset: flat(construct(method, {"preset": preset}).settings()) for preset in presets}
    names = [name for name in settings[presets[0]] if name != "preset"]
    differing = [name for name in names if len({str(settings[preset].get(name)) for preset in presets}) > 1]
    rows = ([f"`{name}`", *(f"`{settings[preset].get(name)}`" for preset in presets)] for name in differing)
    return ["## Readings", "", table(["setting", *(f'`preset="{preset}"`' for preset in presets)], rows)]


def _published(method: str) -> list[str]:
    """Settings of the authors for single data sets of the paper suite and numbers of shots."""
    datasets = [role for role in suite.load("paper").datasets if "imagenet" not in role or role == "imagenet"]
    found: dict[tuple[str, str], list[int]] = {}
    for dataset in datasets:
        for shots in SHOTS:
            given = flat(published(method, dataset, shots))
            if said := ", ".join(f"`{name}` = {value}" for name, value in given.items()):
                found.setdefault((dataset, said), []).append(shots)
    rows = ([dataset, ", ".join(map(str, shots)), said] for (dataset, said), shots in found.items())
    return ["## Published for a data set", "", table(["data set", "shots", "settings"], rows)] if found else []


def _values(values: Sequence[float]) -> str:
    """The first and last of many values, with their number, or all of a few."""
    shown = [f"{value:g}" for value in values]
    return ", ".join(shown) if len(shown) <= 9 else f"{len(shown)} values from {shown[0]} to {shown[-1]}"
