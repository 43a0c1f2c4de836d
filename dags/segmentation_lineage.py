"""Tasks that tell OpenLineage, where its provider is installed, which tables they read and write, with columns.

What a task reads and writes is said by its inlets and outlets. Other tools see these alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk.bases.decorator import task_decorator_factory

import clustering
from segmentation_assets import CHAMPIONS, CUSTOMER_LABELS, CUSTOMERS
from segmentation_definitions import destination, open_session


class LineageOperator(_PythonDecoratedOperator):
    """A task whose lineage is asked for by the extractor of OpenLineage's provider."""

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return what the provider adds to the event of a task that has ended well, or was skipped."""
        return self._told(is_done=task_instance.state != "skipped")

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """Return the same for a task that has failed, which the provider would take for one that ended well."""
        return self._told(is_done=False)

    def _told(self, *, is_done: bool) -> Any:
        with open_session() as session:
            lineage = clustering.describe_lineage(session.warehouse, session.configuration)
        reads = lineage.inputs if CUSTOMERS in self.inlets else ()
        writes: Sequence[clustering.Dataset] = ()
        if is_done and CUSTOMER_LABELS in self.outlets:
            writes = lineage.published
        elif is_done and CHAMPIONS in self.outlets:
            writes = lineage.trained
        return _of_operator(lineage, reads, writes)


class AudienceOperator(LineageOperator):
    """A task whose argument `part` names an audience, which it sends."""

    def _told(self, *, is_done: bool) -> Any:
        name = self.op_kwargs["part"]["audience"]
        with open_session() as session:
            written = clustering.audience_dataset(session.configuration, name, connections=destination)
            named = {"audience": name, "written": written}
            lineage = clustering.describe_audience(session.warehouse, session.configuration, **named)
        return _of_operator(lineage, lineage.inputs, lineage.published if is_done else ())


def lineage_task(*, operator: type[LineageOperator] = LineageOperator, **arguments: Any) -> Any:
    """Return the decorator of a task, as Airflow's `task` with these arguments is, that tells its lineage."""
    multiple_outputs = arguments.pop("multiple_outputs", None)
    return task_decorator_factory(multiple_outputs=multiple_outputs, decorated_operator_class=operator, **arguments)


def _of_operator(
    lineage: clustering.Lineage, reads: Sequence[clustering.Dataset], writes: Sequence[clustering.Dataset]
) -> Any:
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=[_dataset(lineage, one) for one in reads], outputs=[_dataset(lineage, one) for one in writes]
    )


def _dataset(lineage: clustering.Lineage, told: clustering.Dataset) -> Any:
    from openlineage.client import facet_v2
    from openlineage.client.event_v2 import Dataset

    schema, documentation = facet_v2.schema_dataset, facet_v2.documentation_dataset
    columns = [
        schema.SchemaDatasetFacetFields(name=one.name, type=one.data_type, description=one.description)
        for one in told.columns
    ]
    facets: dict[str, Any] = {
        "schema": schema.SchemaDatasetFacet(fields=columns),
        "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet(datasetType=told.kind),
    }
    if told.description:
        facets["documentation"] = documentation.DocumentationDatasetFacet(description=told.description)
    made = {one.name: _origins(lineage, one) for one in told.columns if one.origins}
    if made:
        facets["columnLineage"] = facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet(fields=made)
    return Dataset(namespace=told.namespace or lineage.namespace, name=told.name, facets=facets)


def _origins(lineage: clustering.Lineage, told: clustering.DatasetColumn) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    table = {"namespace": lineage.namespace, "name": told.table or str(lineage.origin)}
    return facet.Fields(
        inputFields=[
            facet.InputField(**table, field=column, transformations=[facet.Transformation(type="DIRECT", subtype=how)])
            for column, how in told.origins.items()
        ]
    )
