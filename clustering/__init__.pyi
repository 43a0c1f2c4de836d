# The public names and where they are, for `__init__.py` and for type checkers; `as` makes a name public.

from clustering.config import Configuration as Configuration, load_configuration as load_configuration
from clustering.errors import (
    ClusteringError as ClusteringError,
    PermanentError as PermanentError,
    TransientError as TransientError,
)
from clustering.exports.catalogued_targets import audience_dataset as audience_dataset
from clustering.exports.due_audiences import due_audiences as due_audiences, named_audiences as named_audiences
from clustering.exports.exporting import export_audience as export_audience
from clustering.library import Clustering as Clustering, cluster as cluster
from clustering.monitoring.alarms import watch as watch
from clustering.monitoring.audience_lineage import describe_audience as describe_audience
from clustering.monitoring.checking import check_run as check_run
from clustering.monitoring.held_runs import describe_held as describe_held
from clustering.monitoring.lineage import (
    Dataset as Dataset,
    DatasetColumn as DatasetColumn,
    Lineage as Lineage,
    describe_lineage as describe_lineage,
)
from clustering.monitoring.run_summaries import summarise_run as summarise_run
from clustering.privacy.forgetting import forget as forget
from clustering.scoring.dates import end_of_past as end_of_past
from clustering.scoring.endings import abandon_by_hand as abandon_by_hand, abandon_run as abandon_run
from clustering.scoring.explained_customers import explain_customer as explain_customer
from clustering.scoring.plan import plan_run as plan_run
from clustering.scoring.pointer import retire_model as retire_model
from clustering.scoring.posted_records import cluster_records as cluster_records
from clustering.scoring.publication import Release as Release, publish_run as publish_run
from clustering.scoring.retention import drop_expired as drop_expired
from clustering.scoring.shards import score_shard as score_shard
from clustering.scoring.withdrawal import withdraw_date as withdraw_date
from clustering.training.preview import preview as preview
from clustering.training.promotion import (
    approve as approve,
    change_champion as change_champion,
    gate as gate,
    promote as promote,
    roll_back as roll_back,
)
from clustering.training.pruning import prune as prune
from clustering.training.retraining import draw_sample as draw_sample, drop_sample as drop_sample, train as train
from clustering.versions.decisions import repeats_refusal as repeats_refusal
from clustering.versions.own_names import name_segment as name_segment, reset_segment_name as reset_segment_name
from clustering.versions.registry import Registry as Registry
from clustering.warehouse import Warehouse as Warehouse, migrate as migrate

__version__: str
