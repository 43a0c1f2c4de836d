"""What requests and answers look like, for checking and for the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr


class ClusterRequest(BaseModel):
    """Customers to label, and the model to label them with; the contract checks the customers."""

    model_of_choice: StrictStr
    data: list[dict[str, Any]] = Field(min_length=1)
    detail: StrictBool = False


class Cluster(BaseModel):
    """The cluster of a customer."""

    customer_id: Any = Field(description="The key as it was posted.")
    cluster_label: int = Field(description="The version's own number for the cluster, -1 for noise.")


class ClusterDetail(Cluster):
    """The cluster of a customer with its segment, where `detail` was asked for."""

    segment_id: int = Field(description="The segment, stable across versions; 0 for outliers.")
    segment_name: str = Field(description="Name of the segment.")
    confidence: float = Field(description="How clearly the customer belongs there, 0 to 1.")
    version: int = Field(description="Number of the model's version that labelled the customer.")
    reason: str = Field(description="What pulls the customer there rather than to the runner-up.")


class ClusterAnswer(BaseModel):
    """One cluster a posted customer, in the order of the request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"clusters": [{"customer_id": 1, "cluster_label": 0}]}]},
    )

    clusters: list[Cluster | ClusterDetail]


class Champion(BaseModel):
    """The version of a model that labels customers now."""

    version: int
    structure: str = Field(description="`structured`, or `none`: no cluster structure was found.")
    algorithm: str
    features: list[str]
    settings: dict[str, Any]
    metrics: dict[str, Any]
    trained_at: datetime


class Model(BaseModel):
    """A configured model."""

    model: str = Field(description="What `model_of_choice` names, in upper or lower case.")
    algorithm: str
    features: list[str]
    champion: Champion | None = Field(description="Null until a version has been trained and promoted.")


class Models(BaseModel):
    """The configured models."""

    models: list[Model]


class Version(BaseModel):
    """One training of a model."""

    version: int
    status: str = Field(description="`candidate`, `champion`, `retired` or `refused`.")
    structure: str
    metrics: dict[str, Any]
    sample_rows: int
    trained_at: datetime


class GateFigure(BaseModel):
    """A figure that the gate asked for, None where it is unknown, its limit, and whether it was kept."""

    name: str
    value: float | None
    limit: float
    passed: bool
    said: str


class Decision(BaseModel):
    """One decision on a version, with what the gate asked of it; nothing where a person decided without it."""

    version: int
    decision: str
    reason: str
    decided_by: str
    decided_at: datetime
    checks: list[GateFigure]


class ModelDetail(Model):
    """A configured model with its latest versions and decisions, newest first."""

    versions: list[Version]
    decisions: list[Decision]


class Segment(BaseModel):
    """A segment as of the latest published date; averages follow as `avg_<column>`, of three significant digits."""

    model_config = ConfigDict(extra="allow")

    as_of: date
    model: str
    segment_id: int
    segment_name: str
    description: str
    recommended_action: str
    customers: int
    share: float
    averages_empty_because: str | None = Field(
        default=None, description="Why averages are null, by column where they differ; null where none is."
    )


class Segments(BaseModel):
    """The current segments, and the units of their averages, by column, where the contract declares them."""

    segments: list[Segment]
    units: dict[str, str]


class Size(BaseModel):
    """How large a segment was on a date."""

    as_of: date
    customers: int
    share: float


class SegmentDetail(BaseModel):
    """A current segment and its size over time, oldest first."""

    segment: Segment
    history: list[Size]


class Health(BaseModel):
    """Whether customers can be labelled."""

    status: str = Field(description="`ok`, or `no champions` while nothing has been trained and promoted.")
    champions: dict[str, int | None] = Field(description="The version in use of each model.")


class Aspect(BaseModel):
    """One question about a night, with its answer."""

    name: str = Field(description="`fresh`, `complete`, `drifted` or `trusted`.")
    state: str = Field(description="`good`, `care` (usable by who knows the reason), `bad` or `unknown`.")
    verdict: str = Field(description="The same in a word or two.")
    reason: str = Field(description="In a sentence.")
    since: date | None = Field(description="The first date without a gap for which the state has been the same.")


class SegmentTrust(BaseModel):
    """Whether a segment can be relied on."""

    segment_id: int
    segment_name: str
    trust: str = Field(description="`yes`, `with care` or `no`.")
    own_reasons: str | None = Field(description="What speaks against this segment and not against the others.")
    night_reasons: str | None = Field(description="What speaks against all segments of the night.")


class ModelHealth(BaseModel):
    """Whether the segments of a model can be relied on."""

    model: str
    as_of: date | None = Field(description="Null while nothing was published.")
    aspects: list[Aspect]
    segments: list[SegmentTrust]


class Problem(BaseModel):
    """Why a request was not served."""

    detail: str
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="Of a body at fault: row (from 0), field, value, reason and what is allowed."
    )
