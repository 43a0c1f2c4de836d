"""A warehouse with its configuration and registry, as the tests use them together."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from psycopg2.sql import Composable
from sqlalchemy import Engine

from clustering import (
    Configuration,
    Registry,
    Warehouse,
    check_run,
    draw_sample,
    drop_sample,
    gate,
    plan_run,
    publish_run,
    score_shard,
    train,
)
from tests.databases import kept_engine

CATEGORY_ROWS = 1_200  # of the shop with categories, and its features
CATEGORY_FEATURES = ("annual_income", "spending_score", "channel", "business", "is_even")


@dataclass(frozen=True)
class Project:
    """A warehouse, its configuration and its registry, with shortcuts for the tests."""

    warehouse: Warehouse
    configuration: Configuration
    registry: Registry

    def with_contract(self, **settings: Any) -> Project:
        """Return the project with other settings of the source contract."""
        contract = self.configuration.contract.model_copy(update=settings)
        return replace(self, configuration=self.configuration.model_copy(update={"contract": contract}))

    def plan(self, as_of: str = "2026-11-22", **options: Any) -> dict[str, Any]:
        """Plan a run of all models for a date."""
        settings = {"models": None, "dry_run": False, "requested_by": "test", "workers": 4} | options
        return plan_run(self.warehouse, self.configuration, self.registry, as_of=date.fromisoformat(as_of), **settings)

    def score(self, run_id: int, shard: int = 0, **options: Any) -> dict[str, int]:
        """Score one shard."""
        return score_shard(self.warehouse, self.configuration, self.registry, run_id=run_id, shard=shard, **options)

    def check(self, run_id: int) -> dict[str, Any]:
        """Check a run."""
        return check_run(self.warehouse, self.configuration, self.registry, run_id=run_id)

    def publish(self, run_id: int) -> dict[str, Any]:
        """Check and publish a run."""
        self.check(run_id)
        return publish_run(self.warehouse, self.configuration, run_id=run_id)

    def night(self, as_of: str = "2026-11-22", **options: Any) -> dict[str, Any]:
        """Plan, score and publish."""
        planned = self.plan(as_of, **options)
        for shard in planned["shards"]:
            self.score(planned["run_id"], shard)
        return self.publish(planned["run_id"])

    def sql(self, statement: str | Composable, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as an analyst would, and return its rows."""
        with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement, values or None)
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows

    @cached_property
    def _engine(self) -> Engine:
        return kept_engine(self.warehouse.uri)

    def labels(self) -> list[tuple[Any, ...]]:
        """Return everybody's current labels, apart from the ids of runs."""
        return self.sql(
            "select as_of, model, customer_id, cluster_label, segment_id, segment_name, confidence"
            " from segmentation.current_customer_segments order by model, customer_id"
        )

    def segments(self) -> list[tuple[Any, ...]]:
        """Return the current segments, apart from the ids of runs."""
        return self.sql(
            "select as_of, model, segment_id, segment_name, customers, share, avg_age, avg_annual_income,"
            " avg_spending_score from segmentation.current_segments order by model, segment_id"
        )

    def staged(self) -> list[str]:
        """Return the names of the tables in the staging schema."""
        return [
            name for (name,) in self.sql("select tablename from pg_tables where schemaname = 'segmentation_staging'")
        ]


def train_candidates(project: Project, *models: str) -> list[dict[str, Any]]:
    """Train models, all by default, on one sample, and return the versions, which wait."""
    drawn = draw_sample(project.warehouse, project.configuration, models=models or None, requested_by="test")
    versions = [
        train(project.warehouse, project.configuration, project.registry, model=model, sample=drawn["sample"])
        for model in drawn["models"]
    ]
    drop_sample(project.warehouse, sample=drawn["sample"])
    return versions


def retrain(project: Project, *models: str) -> list[dict[str, Any]]:
    """Retrain models, all by default, and return the gate's decisions."""
    return [
        gate(
            project.configuration,
            project.registry,
            model_version_id=version["model_version_id"],
            decided_by="test",
        )
        for version in train_candidates(project, *models)
    ]
