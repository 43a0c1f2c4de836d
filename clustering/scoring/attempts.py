"""The names of what one attempt at a shard writes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Attempt:
    """One try at one shard; its token makes its tables its own."""

    run_id: int
    shard: int
    token: str

    def labels_table(self, model_version_id: int) -> str:
        """Name of the table with the shard's labels by one version."""
        return f"labels_{self.run_id}_{self.shard}_{model_version_id}_{self.token}"

    def changes_table(self, model_version_id: int) -> str:
        """Name of the table with the customers who are not where the preceding date had them."""
        return f"changes_{self.run_id}_{self.shard}_{model_version_id}_{self.token}"

    def former_table(self, model_version_id: int) -> str:
        """Name of the table with the customers whom the preceding date's version puts elsewhere, while it is needed."""
        return f"former_{self.run_id}_{self.shard}_{model_version_id}_{self.token}"

    def aged_table(self, model_version_id: int) -> str:
        """Name of the table of where customers would be had only time passed, while it is needed."""
        return f"aged_{self.run_id}_{self.shard}_{model_version_id}_{self.token}"

    @property
    def rejected_table(self) -> str:
        """Name of the table with the shard's rejected rows."""
        return f"rejected_{self.run_id}_{self.shard}_{self.token}"
