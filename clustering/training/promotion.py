"""The promotion gate: a candidate takes the champion's place only within its model's limits, or by a person's word."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from clustering.config import Configuration, Gate
from clustering.errors import ConfigurationError, RunError
from clustering.training.movement_words import movement_in_words
from clustering.versions.decisions import GateCheck
from clustering.versions.metrics import Comparison
from clustering.versions.registry import Registry, Version

log = logging.getLogger(__name__)

STABILITY_NOISE = 0.05  # by which the smallest of some bootstrap Jaccards differs from one drawing to the next


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate, with every figure that it rests on, and whether a person has to decide."""

    passed: bool
    reason: str
    checks: tuple[GateCheck, ...] = ()
    held: bool = False


def gate(
    configuration: Configuration, registry: Registry, *, model_version_id: int, decided_by: str, hold: bool = False
) -> dict[str, Any]:
    """Judge a candidate, record the decision with its figures, and return it.

    With `hold` a candidate that passes is left undecided, for a person to approve; one that the champion should have
    been compared with and was not is in any case, and one of customers whose night is held. Asked again by the same
    `decided_by`, the decision is returned as it was. Raises RunError when somebody else decided on the version before,
    or when the champion changed since the candidate was compared with it; ArtifactError or StoreError when its files
    are not where nights will read them.
    """
    candidate = registry.version(model_version_id)
    if candidate.status != "candidate":
        return _decided_before(registry, candidate, decided_by=decided_by)
    champion = registry.champions([candidate.model]).get(candidate.model)
    limits = configuration.select([candidate.model])[candidate.model].gate
    verdict = judge(candidate, champion, limits)
    if verdict.passed and (hold or verdict.held):
        log.warning("%s version %s is held for a person: %s", candidate.model, candidate.version, verdict.reason)
        return _outcome(candidate, "held", verdict.reason)
    return _decide(registry, candidate, champion, verdict, promoted=verdict.passed, decided_by=decided_by)


def approve(
    configuration: Configuration,
    registry: Registry,
    *,
    model_version_id: int,
    approved: bool,
    remark: str | None,
    decided_by: str,
) -> dict[str, Any]:
    """Decide on a held candidate as a person said, and return the decision.

    Asked again by the same `decided_by`, the decision is returned as it was. Raises RunError when somebody else decided
    meanwhile, as on the page that compares two versions, or the same otherwise.
    """
    candidate = registry.version(model_version_id)
    if candidate.status != "candidate":
        return _decided_before(registry, candidate, decided_by=decided_by, promoted=approved)
    champion = registry.champions([candidate.model]).get(candidate.model)
    verdict = judge(candidate, champion, configuration.select([candidate.model])[candidate.model].gate)
    said = f"{'approved' if approved else 'rejected'} by {decided_by}" + (f": {remark}" if remark else "")
    told = Verdict(verdict.passed, f"{said}; {verdict.reason}", verdict.checks)
    return _decide(registry, candidate, champion, told, promoted=approved, decided_by=decided_by)


def change_champion(registry: Registry, *, order: str, decided_by: str) -> dict[str, Any]:
    """Make another version the champion by hand: `kmeans 3` that version, `kmeans` the former champion.

    A version that was champion before is rolled back to; one that was not is promoted whatever the gate said, if it was
    compared with the present champion. Raises ConfigurationError for an order that is neither.
    """
    match = re.fullmatch(r"\s*(\w+)(?:\s+(\d+))?\s*", order)
    if match is None:
        raise ConfigurationError(f"{order!r} is not an order: write a model, such as kmeans, or a version, kmeans 3")
    model, number = match[1].casefold(), match[2]
    if number is None:
        return roll_back(registry, model=model, decided_by=decided_by)
    return promote(registry, model=model, version=int(number), decided_by=decided_by)


def roll_back(registry: Registry, *, model: str, to_version: int | None = None, decided_by: str) -> dict[str, Any]:
    """Make a former champion the champion again, the one before the present by default, and return the decision."""
    version = registry.roll_back(model, to_version=to_version, decided_by=decided_by)
    return _outcome(version, "rolled_back", f"by {decided_by}")


def promote(registry: Registry, *, model: str, version: int, decided_by: str) -> dict[str, Any]:
    """Make a version the champion by hand and return the decision; see `change_champion`."""
    chosen = registry.numbered(model, version)
    if chosen.status == "retired":
        return roll_back(registry, model=model, to_version=version, decided_by=decided_by)
    if chosen.status == "champion":
        raise RunError(f"{model} version {version} is the champion already")
    champion = registry.champions([model]).get(model)
    _require_compared(chosen, champion)
    verdict = Verdict(True, f"by hand, whatever the gate said (version {version} was {chosen.status})")
    return _decide(registry, chosen, champion, verdict, promoted=True, decided_by=decided_by)


def judge(candidate: Version, champion: Version | None, limits: Gate) -> Verdict:
    """Return whether a candidate keeps within the limits of its model's file, and why.

    Without a champion to compare it with, a candidate is judged by nothing but whether its structure may be used.
    """
    _require_compared(candidate, champion)
    if refusal := candidate.metrics.refusal:
        return Verdict(False, refusal)
    doubt = candidate.metrics.doubt
    if champion is None:
        return Verdict(True, "; ".join(filter(None, (doubt, "the first version of the model"))), held=doubt is not None)
    checks = [_share(candidate, limits), _stability(candidate, champion, limits)]
    if comparison := candidate.metrics.comparison:
        silhouette = _measured(candidate, "silhouette", candidate.metrics.silhouette)
        checks += [_quality(silhouette, comparison, champion, limits), _movement(silhouette, comparison, limits)]
        told = ""
    elif uncompared := candidate.metrics.uncompared:
        told = f"{uncompared}; "
    else:
        told = f"version {champion.version} cannot label these customers, so nothing could be compared; "
    if doubt:
        told = f"{doubt}; {told}"
    passed = all(check.passed for check in checks)
    said = [check.said for check in checks if passed or not check.passed]
    in_doubt = doubt is not None or candidate.metrics.uncompared is not None
    return Verdict(passed, told + "; ".join(said), tuple(checks), held=in_doubt)


def _share(candidate: Version, limits: Gate) -> GateCheck:
    share = _measured(candidate, "smallest_share", candidate.metrics.smallest_share)
    said = f"the smallest segment holds {share:.1%} of the customers (limit {limits.min_share:.1%})"
    return GateCheck("smallest_share", share >= limits.min_share, share, limits.min_share, said)


def _stability(candidate: Version, champion: Version, limits: Gate) -> GateCheck:
    """Judge the smallest bootstrap Jaccard of a segment.

    No more is asked of a candidate than its champion has, give or take what is chance, and nothing of a continuum that
    is divided anyway: it does not claim to be stable.
    """
    value = candidate.metrics.min_jaccard
    limit = limits.min_stability
    if (theirs := champion.metrics.min_jaccard) is not None:
        limit = min(limit, max(0.0, theirs - STABILITY_NOISE))
    if value is None:
        return GateCheck("min_jaccard", True, None, limit, "the stability of the segments is unknown")
    said = f"smallest stability of a segment {value:.2f} (limit {limit:.2f})"
    return GateCheck("min_jaccard", candidate.structure == "none" or value >= limit, value, limit, said)


def _measured(candidate: Version, name: str, value: float | None) -> float:
    if value is None:
        raise RunError(
            f"{candidate.model} version {candidate.version} has no {name} among its metrics, so the gate cannot judge "
            "it; retrain the model"
        )
    return value


def _quality(ours: float, comparison: Comparison, champion: Version, limits: Gate) -> GateCheck:
    theirs = comparison.champion_silhouette
    said = (
        f"silhouette {ours:.4f} against {theirs:.4f} of version {champion.version} on the same customers (allowed loss "
        f"{limits.max_quality_loss:g})"
    )
    return GateCheck(
        "silhouette", ours >= theirs - limits.max_quality_loss, ours, theirs - limits.max_quality_loss, said
    )


def _movement(silhouette: float, comparison: Comparison, limits: Gate) -> GateCheck:
    """Judge the customers who would change segment although they did not change: are they few, or is it worth it?"""
    movement, price = comparison.movement, comparison.price_of_stability
    gain = silhouette - comparison.champion_silhouette
    reasons = []
    if gain >= limits.worthwhile_gain:
        reasons.append(f"the silhouette gains {gain:.3f}")
    if price is not None and price > limits.max_price_of_stability:
        reasons.append(f"keeping the champion costs {price:.3f} times a refit")
    said = f"{movement_in_words(comparison)} (limit {limits.max_movement:.0%})"
    few = movement <= limits.max_movement
    if not few:
        said += f", which is worth it: {' and '.join(reasons)}" if reasons else ", and neither fit gains from it"
    return GateCheck("movement", few or bool(reasons), movement, limits.max_movement, said)


def _require_compared(candidate: Version, champion: Version | None) -> None:
    if candidate.metrics.champion_version_id != (champion.model_version_id if champion else None):
        present = f"version {champion.version}" if champion else "none"
        raise RunError(
            f"{candidate.model} version {candidate.version} was not compared with the present champion, {present}; "
            "retrain the model"
        )


def _decide(
    registry: Registry,
    candidate: Version,
    champion: Version | None,
    verdict: Verdict,
    *,
    promoted: bool,
    decided_by: str,
) -> dict[str, Any]:
    if promoted:
        registry.promote(
            candidate,
            instead_of=champion,
            reason=verdict.reason,
            checks=verdict.checks,
            events=candidate.metrics.events,
            decided_by=decided_by,
        )
    else:
        registry.refuse(
            candidate, instead_of=champion, reason=verdict.reason, checks=verdict.checks, decided_by=decided_by
        )
    decision = "promoted" if promoted else "refused"
    log.info("%s version %s %s: %s", candidate.model, candidate.version, decision, verdict.reason)
    return _outcome(candidate, decision, verdict.reason)


def _decided_before(
    registry: Registry, version: Version, *, decided_by: str, promoted: bool | None = None
) -> dict[str, Any]:
    """Return what the same run or person decided; RunError where it was another, or not what is asked for now."""
    decided = registry.decision(version, decided_by=decided_by)
    if decided and promoted in (None, decided.decision == "promoted"):
        return _outcome(version, decided.decision, decided.reason)
    raise RunError(
        f"{version.model} version {version.version} is {version.status}: it was decided on before; nothing was changed"
    )


def _outcome(version: Version, decision: str, reason: str) -> dict[str, Any]:
    of_version = {"model": version.model, "model_version_id": version.model_version_id, "version": version.version}
    return {**of_version, "decision": decision, "reason": reason}
