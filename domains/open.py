"""Open the domain that a recipe describes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from domains.cache import cache_key, recall, remember
from domains.domain import Domain
from domains.errors import InputError
from domains.io.addresses import allowing
from domains.loaders.registry import check_options, find_loader
from domains.prepare import prepare
from domains.report import PreparationReport, PreparedDomain, Step
from domains.spec import DomainSpec
from domains.validation import explain


def open_domain(
    spec: DomainSpec | str,
    *,
    base: Path | None = None,
    cache: Path | None = None,
    allow: Collection[str] | None = None,
) -> PreparedDomain:
    """Read and prepare a domain.

    Args:
        spec: what a recipe says, or its short form.
        base: folder of relative paths (the recipe's); the working folder is searched next.
        cache: folder of cached domains; None prepares the domain each time.
        allow: schemes of addresses that may be opened, such as ``https`` and ``s3``; default: what $TRANSFER_ALLOW
            lists, else none.

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
    """Check a description that is text or a mapping.

    Raises:
        InputError: instead of pydantic's own error, naming the first key that is wrong.
    """
    try:
        return DomainSpec.model_validate(value)
    except ValidationError as error:
        raise explain(error, DomainSpec, "domain.") from error


def _ready(domain: Domain, spec: DomainSpec) -> PreparedDomain:
    """Report on a saved domain, which cannot be prepared again."""
    if spec.prepare.model_fields_set:
        raise InputError(
            "a domain that is ready cannot be prepared again",
            location=f"domain {domain.name!r}, prepare",
            hint="Leave 'prepare' out, or name the raw files instead",
        )
    step = Step("ready", domain.n_users, domain.n_items, domain.n_interactions)
    return PreparedDomain(domain, PreparationReport((step,)))
