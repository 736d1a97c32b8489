"""The licences of everything that an installation brings along are compatible with MIT."""

from __future__ import annotations

import re
from importlib import metadata

PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Zlib|CC0|Unlicense|CNRI|BSL", re.I
)
COPYLEFT = re.compile(r"\b(A?GPL|GNU General Public|GNU Affero)", re.I)


def dependencies(name: str, found: dict[str, metadata.Distribution]) -> dict[str, metadata.Distribution]:
    """Collect a package and what it needs, without extras; packages of other platforms are not installed."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain not in found:
        try:
            found[plain] = metadata.distribution(plain)
        except metadata.PackageNotFoundError:
            return found
        for needed in found[plain].requires or []:
            if "extra ==" not in needed:
                dependencies(re.match(r"[\w.-]+", needed).group(), found)
    return found


def licence(package: metadata.Distribution) -> str:
    about = package.metadata
    classifiers = [one.split(" :: ")[-1] for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    return about.get("License-Expression") or "; ".join(classifiers) or about.get("License") or ""


def test_every_dependency_has_a_permissive_licence():
    found = {name: licence(package) for name, package in dependencies("sememe-transfer", {}).items()}
    assert len(found) > 30, "the list of dependencies was not read"
    unknown = {name: text for name, text in found.items() if not PERMISSIVE.search(text) or COPYLEFT.search(text)}
    assert unknown == {}
