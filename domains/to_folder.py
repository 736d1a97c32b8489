"""From what a recipe says of a domain to a prepared folder, streamed where the tables allow it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from domains.domain import Domain
from domains.io.addresses import allowing
from domains.loaders.registry import check_options, find_loader
from domains.open import parse_spec
from domains.prepare import prepare
from domains.prepared import load_prepared, write_domain
from domains.spec import DomainSpec
from domains.streamed import prepare_streamed, why_not


def to_folder(
    spec: DomainSpec | str,
    folder: Path,
    partitions: int,
    *,
    base: Path | None = None,
    allow: Collection[str] | None = None,
) -> tuple[Domain, str | None]:
    """Write a prepared folder.

    Args:
        spec: what a recipe says, or its short form.
        folder: empty or not there.
        partitions: how many.
        base: folder of relative paths.
        allow: schemes of addresses that may be opened.

    Returns:
        The domain, mapped; and why it could not be streamed, if it could not.

    Raises:
        InputError: the description or the data are wrong, or the folder cannot be written.
    """
    checked = parse_spec(spec)
    loader = find_loader(checked.loader)
    options = check_options(loader, checked.options, {"base": Path.cwd() if base is None else base})
    with allowing(allow):
        loaded = loader.load(options)
        if isinstance(loaded, Domain):
            write_domain(loaded, folder, partitions)
            return load_prepared(folder), "the domain is ready"
        reason = why_not(loaded, checked.prepare)
        if reason is None:
            return prepare_streamed(loaded, checked.prepare, folder, partitions, checked.name), None
        write_domain(prepare(loaded, checked.prepare, checked.name).domain, folder, partitions)
        return load_prepared(folder), reason
