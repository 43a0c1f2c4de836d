"""What became of honest and of broken nights, and the tables of how often they were held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from sources.effects import COUNTS_FROM

UNCHANGED = "warn: unchanged"


@dataclass(frozen=True)
class Outcome:
    """A night and what became of it; an honest one has no kind and no effects."""

    generator: str
    seed: int
    size: int
    as_of: str
    remarks: tuple[str, ...]
    held: bool
    warned: bool
    findings: tuple[str, ...]
    seconds: float
    kind: str | None = None
    final: bool = False
    rows_changed: float = 0.0
    labels_changed: float | None = 0.0  # None: not looked at

    @property
    def is_told_of(self) -> bool:
        """Whether it is published with the warning that is declared for a source that stayed as it was."""
        return not self.held and any(finding.startswith(UNCHANGED) for finding in self.findings)

    @property
    def counts(self) -> bool:
        """Whether a break changed enough to count as one."""
        return max(self.rows_changed, self.labels_changed or 0.0) >= COUNTS_FROM


def rate(hits: int, of: int) -> str:
    """Return a share in percent with its 95 % interval by Clopper and Pearson.

    >>> rate(1, 200)
    '1 of 200, 0.50 % (0.01 to 2.75 %)'
    """
    if not of:
        return "none"
    interval = binomtest(hits, of).proportion_ci(confidence_level=0.95, method="exact")
    return f"{hits:,} of {of:,}, {hits / of:.2%} ({100 * interval.low:.2f} to {interval.high:.2%})".replace("%", " %")


def honest_table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return Markdown: how many honest nights were held or warned of, by generator, remark and finding."""
    honest = [one for one in outcomes if one.kind is None]
    lines = ["| honest nights | held | warned |", "| --- | --- | --- |"]
    groups = {"all": honest}
    groups |= {
        name: [one for one in honest if one.generator == name] for name in sorted({one.generator for one in honest})
    }
    remarks = sorted({remark for one in honest for remark in one.remarks})
    groups |= {f"with {remark}": [one for one in honest if remark in one.remarks] for remark in remarks}
    groups |= {"on other days": [one for one in honest if not one.remarks]}
    for name, group in groups.items():
        held, warned = sum(one.held for one in group), sum(one.warned for one in group)
        lines.append(f"| {name} | {rate(held, len(group))} | {rate(warned, len(group))} |")
    lines += ["", "| finding | honest nights held with it | honest nights warned with it |", "| --- | --- | --- |"]
    held_by = Counter(finding for one in honest if one.held for finding in set(one.findings))
    warned_by = Counter(finding for one in honest if not one.held for finding in set(one.findings))
    for finding in sorted(held_by | warned_by, key=lambda name: -held_by[name]):
        lines.append(f"| {finding} | {held_by[finding]} | {warned_by[finding]} |")
    seconds = sum(one.seconds for one in honest) / max(1, len(honest))
    return [*lines, "", f"{seconds:.2f} s a night with its loading"]


def breaks_table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return Markdown: of each kind of break how many nights were held, by size, and all together."""
    broken = [one for one in outcomes if one.kind is not None]
    if not broken:
        return []
    sizes = sorted({one.size for one in broken})
    counted = [one for one in broken if one.counts]
    head = [f"{size:,} customers" for size in sizes]
    lines = [f"| break | {' | '.join(head)} | rows changed | labels changed | findings |"]
    lines.append("|" + " --- |" * (len(sizes) + 4))
    for kind in sorted({str(one.kind) for one in broken}):
        mine = [one for one in broken if one.kind == kind]
        cells = [_cell([one for one in mine if one.size == size]) for size in sizes]
        rows = f"{sum(one.rows_changed for one in mine) / len(mine):.0%}"
        known = [one.labels_changed for one in mine if one.labels_changed is not None]
        labels = f"{sum(known) / len(known):.0%}" if known else "-"
        findings = Counter(finding for one in mine for finding in set(one.findings)).most_common(3)
        named = ", ".join(f"{finding} {count}" for finding, count in findings)
        mark = " (final)" if mine[0].final else ""
        lines.append(f"| {kind}{mark} | {' | '.join(cells)} | {rows} | {labels} | {named} |")
    for final, name in ((False, "kinds to tune with"), (True, "kinds kept for the end")):
        for size in sizes:
            mine = [one for one in counted if one.final == final and one.size == size]
            told = [one for one in mine if one.is_told_of]
            held = rate(sum(one.held for one in mine), len(mine) - len(told))
            lines += [
                "",
                f"{name}, {size:,} customers: held {held}; {len(told)} more are an unchanged source, a warning",
            ]
    return lines


def _cell(outcomes: Sequence[Outcome]) -> str:
    counted = [one for one in outcomes if one.counts]
    if not counted:
        return "does not count" if outcomes else "-"
    held, warned = sum(one.held for one in counted), sum(one.warned and not one.held for one in counted)
    return f"{held} of {len(counted)}" + (f", {warned} warned" if warned else "")
