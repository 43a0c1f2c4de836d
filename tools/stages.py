"""Progress on a terminal: a line a stage, live while it runs, with the seconds it took once it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

Show = Callable[[str], None]
SILENCE = 10.0  # seconds at the most, where there is no terminal to be live on


@contextmanager
def stage(console: Console, title: str) -> Iterator[Show]:
    """Show that a stage runs, with the last text given to the function, and then how long it took."""
    started = told = time.monotonic()
    said = ""
    with console.status(f"{title} …") as status:

        def show(text: str) -> None:
            nonlocal said, told
            said, now = escape(text), time.monotonic()
            status.update(f"{title} … [dim]{now - started:.0f} s  {said}[/]")
            if not console.is_terminal and now - told >= SILENCE:
                console.print(f"  {title} … {now - started:.0f} s  {said}", highlight=False, soft_wrap=True)
                told = now

        yield show
    console.print(
        f"[green]✓[/] {title} [dim]{time.monotonic() - started:5.1f} s  {said}[/]", highlight=False, soft_wrap=True
    )
