"""Read recipes: YAML, `extends`, overrides, and errors that name the key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_origin

import yaml
from pydantic import ValidationError

from domains.errors import InputError, SettingsError, explain, settings_at, suggest, within
from recipes.presets import overlaid
from recipes.schema import Recipe
from vocab.encoder.locate import check_name

LARGEST_FILE = 1 << 20
DEEPEST_EXTENDS = 8


@dataclass(frozen=True)
class LoadedRecipe:
    """A validated recipe and its file.

    Attributes:
        recipe: the settings.
        path: its file.
    """

    recipe: Recipe
    path: Path

    @property
    def folder(self) -> Path:
        """Folder that relative paths in the recipe start from."""
        return self.path.parent


def bundled_recipes() -> dict[str, Path]:
    """Bundled recipes by name."""
    folder = Path(str(resources.files("recipes")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def bundled_experiments() -> dict[str, Path]:
    """Bundled experiments by name."""
    folder = Path(str(resources.files("recipes"))) / "experiments"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(
    given: str | Path, overrides: Iterable[str] = (), settings: Mapping[str, Any] | None = None
) -> LoadedRecipe:
    """Read, merge and validate a recipe.

    Args:
        given: a file, or the name of a bundled recipe.
        overrides: ``key.path=value`` with YAML values; highest priority.
        settings: nested values that override the file, for example those of an experiment.

    Raises:
        InputError: the file is missing, is not a YAML mapping, extends a file outside its folder, or has a wrong key
            or value.
    """
    path = find_recipe(given)
    data = _merged(path, ())
    if data.keys() & {"experiment", "cost"}:
        raise SettingsError(
            "this is an experiment, not a recipe",
            location=given,
            hint=f"Run it with `transfer experiment {given}`",
            code="recipe",
        )
    data["name"] = data.get("name") or path.stem  # an empty one would make the folder of all results its own
    data = overlaid(data, settings or {})
    before = deepcopy(data)
    for override in overrides:
        apply_override(data, override)
    try:
        recipe = check_recipe(data, path)
    except InputError as error:
        raise _blamed(error, before, path) from None
    recipe = _found_beside(recipe, path.parent)
    with within(path):
        check_name(recipe.semantic)
    return LoadedRecipe(recipe, path)


def _blamed(error: InputError, before: Mapping[str, Any], path: Path) -> InputError:
    """Locate an error: in the overrides if the recipe is valid without them, else in the recipe."""
    try:
        check_recipe(before, path)
    except InputError:
        return error
    return error.at(str(error.location).replace(f"{path}: ", "--set ", 1))


def _found_beside(recipe: Recipe, folder: Path) -> Recipe:
    """Replace relative paths of files in the recipe's folder by full paths."""
    update: dict[str, Any] = {}
    if recipe.unseen_map is not None and (folder / recipe.unseen_map).is_file():
        update["unseen_map"] = folder / recipe.unseen_map
    encoder = recipe.semantic.encoder
    if encoder != "auto" and (folder / encoder).is_dir():
        update["semantic"] = recipe.semantic.model_copy(update={"encoder": str(folder / encoder)})
    return recipe.model_copy(update=update)


def names_recipe(given: str) -> bool:
    """Whether a text names a recipe or an experiment (by file suffix or bundled name) rather than a domain."""
    return Path(given).suffix in {".yaml", ".yml"} or given in bundled_recipes() | bundled_experiments()


def find_recipe(given: str | Path) -> Path:
    """Return the file of a path or a bundled name."""
    path = Path(given)
    if path.is_file():
        return path.resolve()
    bundled = bundled_recipes()
    known = bundled | bundled_experiments()
    if str(given) in known:
        return known[str(given)]
    beside = [f"{given}{suffix}" for suffix in (".yaml", ".yml") if Path(f"{given}{suffix}").is_file()]
    hint = f"Did you mean {beside[0]}? " if beside else suggest(str(given), bundled)
    raise SettingsError(
        "no such recipe",
        location=given,
        hint=f"{hint}Bundled recipes: {', '.join(bundled)}; or give a YAML file",
        code="no-recipe",
    )


def check_recipe(data: Mapping[str, Any], location: object) -> Recipe:
    """Validate plain data as a recipe.

    Raises:
        InputError: a key or value is wrong; the first problem is reported.
    """
    try:
        return Recipe.model_validate(dict(data))
    except ValidationError as error:
        raise explain(error, Recipe, f"{location}: ") from None


def apply_override(data: dict[str, Any], override: str) -> None:
    """Set ``a.b.c=value`` in nested data, in place. Numbers in the path index lists.

    Lists may be given without brackets: ``variants=popular,sasrec``.

    Raises:
        InputError: the text has no ``=``, or a part of the path is not a mapping.
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise SettingsError(
            f"{override!r} is not key=value",
            location="--set",
            hint="Write for example --set encoder.dim=128",
            code="override",
        )
    here: Any = data
    for part in parts[:-1]:
        try:
            here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
        except (ValueError, IndexError, AttributeError):
            raise SettingsError(
                f"{part!r} leads nowhere", location=f"--set {key}", hint="Name a key of the recipe", code="override"
            ) from None
    bare = "," in text and not text.lstrip().startswith("[") and _takes_list(parts)
    value = _parsed(f"[{text}]" if bare else text, f"--set {key}")
    if isinstance(here, list) and parts[-1].isdecimal() and int(parts[-1]) < len(here):
        here[int(parts[-1])] = value
    elif isinstance(here, dict):
        here[parts[-1]] = value
    else:
        raise SettingsError("the path ends in a value that has no keys", location=f"--set {key}", code="override")


def _takes_list(keys: Sequence[str]) -> bool:
    """Whether a path of keys names a setting that is a list."""
    settings = settings_at(Recipe, keys[:-1])
    field = None if settings is None else settings.model_fields.get(keys[-1])
    return field is not None and get_origin(field.annotation) is tuple


def _merged(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """Read a file and merge it into the recipe that it extends."""
    if path in above or len(above) >= DEEPEST_EXTENDS:
        chain = " -> ".join(step.name for step in (*above, path))
        raise SettingsError(
            f"'extends' goes in a circle or too deep: {chain}", location=path, hint="Break the chain", code="extends"
        )
    data = read_mapping(path)
    parent = data.pop("extends", None)
    if parent is None:
        return data
    if not isinstance(parent, str):
        raise SettingsError(
            "'extends' names one recipe", location=path, hint="Write extends: other.yaml", code="extends"
        )
    return overlaid(_merged(_parent(path, parent), (*above, path)), data)


def _parent(path: Path, parent: str) -> Path:
    """Return the path of the extended recipe: bundled, or a file in this recipe's folder or below."""
    if parent in bundled_recipes():
        return bundled_recipes()[parent]
    target = (path.parent / parent).resolve()
    if not target.is_relative_to(path.parent.resolve()):
        raise SettingsError(
            f"'extends' points outside the recipe's folder: {parent}",
            location=path,
            hint="Copy that recipe beside this one",
            code="extends",
        )
    if not target.is_file():
        beside = (file.name for file in path.parent.glob("*.y*ml") if file != path)
        raise SettingsError(
            f"'extends' names no recipe: {parent}",
            location=path,
            hint=f"{suggest(parent, [*bundled_recipes(), *beside])}Name a file beside this one or a bundled recipe",
            code="extends",
        )
    return target


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file as plain data.

    Raises:
        InputError: it is too large, not UTF-8, not YAML, or not a mapping.
    """
    if not path.is_file():
        raise SettingsError("no such file", location=path, hint="Check the path", code="no-recipe")
    if path.stat().st_size > LARGEST_FILE:
        raise SettingsError(
            "too large for a recipe (over 1 MiB)", location=path, hint="Give a recipe, not data", code="recipe"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"not UTF-8 text (byte {error.start})", location=path, hint="Save the recipe as UTF-8", code="yaml"
        ) from None
    data = _parsed(text, path)
    if not isinstance(data, dict):
        raise SettingsError(
            "a recipe is a mapping of keys to values", location=path, hint="Begin with 'sources:'", code="recipe"
        )
    return data


_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no file name and no file in UTF-8 can hold."""


class _Plain(yaml.SafeLoader):
    """Loads plain data only: no tags, and no aliases, because a few lines of aliases can expand to gigabytes.

    Unquoted words are text unless YAML 1.1 and 1.2 both read them as the same value: ``yes``, ``010``, ``1:30``,
    ``2024-01-31`` and ``1e-3`` are the text that was typed. Settings read it as a number or a date where they need one.
    """

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - the base class has it as a variable of objects

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        for kind, found in (("aliases (*)", isinstance(event, yaml.AliasEvent)), ("tags (!)", _has_tag(event))):
            if found:
                raise yaml.YAMLError(f"line {event.start_mark.line + 1}: {kind} are not allowed in a recipe")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        found = super().construct_scalar(node)
        if isinstance(found, str) and _NO_TEXT.search(found):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: holds NUL or half of a surrogate pair")
        return found

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: the key {key.value!r} occurs twice")
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


for _kind, _form in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(?:0|[1-9][0-9]*)",
    "float": r"(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}.items():
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_form})\Z"), None)


def _has_tag(event: yaml.Event) -> bool:
    return getattr(event, "tag", None) is not None


def _parsed(text: str, location: object) -> Any:
    try:
        return _Plain(text).get_single_data()
    except RecursionError:
        raise SettingsError(
            "not valid YAML: nested too deep", location=location, hint="A recipe has few levels", code="yaml"
        ) from None
    except (yaml.YAMLError, ValueError) as error:  # a number of thousands of digits is the latter
        raise SettingsError(
            f"not valid YAML: {_problem_of(error)}", location=location, hint="Correct this line", code="yaml"
        ) from None


def _problem_of(error: Exception) -> str:
    """Return what is wrong with a text of YAML, and where."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).replace('in "<unicode string>", position', "at character").split())
    problem = str(error.problem)
    if "'\\t'" in problem:
        problem = "a tab, which YAML does not take here: indent with blanks"
    found = f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {problem}"
    if error.context is None or error.context_mark is None:
        return found
    return f"{found} ({error.context} that begins in line {error.context_mark.line + 1})"
