"""Open the domain that a recipe describes, from the cache if nothing changed."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Collection, Iterator
from glob import has_magic
from pathlib import Path

from pydantic import BaseModel, ValidationError

from domains.disk import cache_root
from domains.domain import Domain
from domains.errors import InputError, SettingsError, explain
from domains.io.paths import allowing, expand_pattern, is_url
from domains.loaders.loader import check_options, find_loader
from domains.preparation import prepare
from domains.preparation_report import PreparationReport, PreparedDomain, Step
from domains.spec import DomainSpec
from domains.storage import load_domain, read_meta, save_domain


def open_domain(
    spec: DomainSpec | str,
    *,
    base: Path | None = None,
    cache: Path | None = None,
    allow: Collection[str] | None = None,
) -> PreparedDomain:
    """Load and prepare a domain, or take it from the cache.

    Args:
        spec: description of the domain as in a recipe, or its short form.
        base: folder of relative paths, such as the recipe's; the working folder is searched next.
        cache: folder of cached domains; None prepares the domain every time.
        allow: schemes of addresses that may be opened, such as ``https`` and ``s3``; default: $TRANSFER_ALLOW, else
            none.

    Raises:
        InputError: the description or the data are wrong.
    """
    if not isinstance(spec, DomainSpec):
        spec = parse_spec(spec)
    loader = find_loader(spec.loader)
    options = check_options(loader, spec.options, {"base": Path.cwd() if base is None else base})
    key = None if cache is None else cache_key(spec, options)
    if cache is not None and key is not None:
        known = recall(cache, key)
        if known is not None:
            return known
    with allowing(allow):
        loaded = loader.load(options)
        if isinstance(loaded, Domain):
            return _ready(loaded, spec)
        prepared = prepare(loaded, spec.prepare, spec.name)
    if cache is not None and key is not None:
        remember(cache, key, prepared)
    return prepared


def parse_spec(value: object) -> DomainSpec:
    """Validate a description, given as text or a mapping.

    Raises:
        InputError: a key is wrong; the first one is named.
    """
    try:
        return DomainSpec.model_validate(value)
    except ValidationError as error:
        raise explain(error, DomainSpec, "domain.") from error


def _ready(domain: Domain, spec: DomainSpec) -> PreparedDomain:
    """Return a saved domain with a report. It cannot be prepared again."""
    if spec.prepare.model_fields_set:
        raise SettingsError(
            "a domain that is prepared already cannot be prepared again",
            location=f"domain {domain.name!r}, prepare",
            hint="Leave 'prepare' out, or name the raw files instead",
            code="prepared-already",
        )
    step = Step("ready", domain.n_users, domain.n_items, domain.n_interactions)
    return PreparedDomain(domain, PreparationReport((step,)))


PREPARATION = 6
"""Increase this if the same files and settings give another domain than before."""


def default_cache() -> Path:
    """The cache folder of the commands."""
    return cache_root() / "domains"


def cache_key(spec: DomainSpec, options: BaseModel) -> str | None:
    """Hash everything that determines a domain.

    Args:
        spec: name, loader and settings.
        options: options of the loader, with resolved paths. Files count by path, size and modification time.

    Returns:
        64 hex digits; None if the options name no local file (bundled data, the hub) or an address, because changes
        cannot be detected there.
    """
    texts = list(_texts(options.model_dump(mode="json")))
    files = sorted({file for text in texts for file in _files(text)})
    if not files or any(is_url(text) for text in texts):
        return None
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    parts = [PREPARATION, spec.model_dump(mode="json"), options.model_dump(mode="json"), stats]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def recall(cache: Path, key: str) -> PreparedDomain | None:
    """Return a cached domain, memory-mapped; None if it is absent or damaged."""
    folder = cache / key
    try:
        report = PreparationReport.from_dict(read_meta(folder)["extra"]["report"])
        return PreparedDomain(load_domain(folder), report)
    except (InputError, KeyError, TypeError):
        return None


def remember(cache: Path, key: str, prepared: PreparedDomain) -> None:
    """Store a domain in the cache; warn if that fails."""
    try:
        save_domain(prepared.domain, cache / key, extra={"report": prepared.report.as_dict()})
    except InputError as error:
        if recall(cache, key) is not None:
            return  # another process stored the same domain meanwhile
        warnings.warn(f"the prepared domain is not cached: {error}", stacklevel=2)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _files(text: str) -> Iterator[Path]:
    """Yield the files of an absolute path, glob or folder; nothing for other texts."""
    path = Path(text)
    # A single slash is a separator of categories; as a folder it would contain every file of the machine.
    if not path.is_absolute() or path == Path(path.anchor):
        return
    roots = expand_pattern(text) if has_magic(text) and not path.exists() else [path]
    for root in roots:
        yield from (file for file in (root.rglob("*") if root.is_dir() else [root]) if file.is_file())
