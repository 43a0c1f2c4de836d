"""Scripts, styles and pictures of the Segments page, each under an address that changes with its content."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PLOTLY = "plotly.min.js"
NAMES = (
    "page.css",
    "theme.js",
    "charts.js",
    "page.js",
    "segments.svg",
    "plotly.css",
    PLOTLY,
)


@dataclass(frozen=True)
class Asset:
    """A file that never changes under its address."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """What the file is, for browsers."""
        return f"{TYPES[Path(self.name).suffix]}; charset=utf-8"

    @cached_property
    def integrity(self) -> str:
        """What browsers check the file by (Subresource Integrity)."""
        return f"sha384-{base64.b64encode(hashlib.sha384(self.content).digest()).decode()}"

    @cached_property
    def digest(self) -> str:
        """The part of the address that changes with the content."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    @property
    def address(self) -> str:
        """The address, relative to that of the page."""
        return f"page/static/{self.digest}/{self.name}"

    @cached_property
    def compressed(self) -> bytes:
        """The content in gzip."""
        return gzip.compress(self.content, 6, mtime=0)

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode()


@cache
def assets() -> dict[str, Asset]:
    """Return the files by name; plotly.js is the one that the Python package brings."""
    return {name: Asset(name, _path(name).read_bytes()) for name in NAMES}


def _path(name: str) -> Path:
    return Path(str(files("plotly"))) / "package_data" / PLOTLY if name == PLOTLY else STATIC / name


@cache
def style_marks() -> tuple[str, ...]:
    """Return the ids of elements that plotly.js looks for before it adds styles of its own, for maps.

    Where an element has the id, nothing is added, and the page's policy has nothing to refuse.
    """
    return tuple(sorted(set(re.findall(r'getElementById\("([0-9a-f]{64})"\)', assets()[PLOTLY].text))))
