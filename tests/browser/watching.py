"""The browser, the Airflow in front of which it stands, and what its pages complain of."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AIRFLOWS_OWN = "An iframe which has both allow-scripts and allow-same-origin"  # its frame for plugins
TONGA = "Pacific/Tongatapu"  # UTC+13 all year: the time zone of the DAGs
DAYS = [f"2026-11-{day:02}" for day in range(13, 23)]


@dataclass
class Airflow:
    """A running api-server."""

    address: str
    passwords: dict[str, str]


@dataclass
class Watch:
    """What a page has complained of, and whom it has asked."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def over(self, page: Page) -> Page:
        """Watch a page."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(AIRFLOWS_OWN):
            self.complaints.append(message.text)
