# The public names and where they are, for `__init__.py` and for type checkers; `as` makes a name public.

from clustering.config import Configuration as Configuration, load_configuration as load_configuration
from clustering.errors import (
    ClusteringError as ClusteringError,
    PermanentError as PermanentError,
    TransientError as TransientError,
)
from clustering.library import Clustering as Clustering, cluster as cluster
from clustering.monitoring.alarms import watch as watch
from clustering.privacy.forgetting import forget as forget
from clustering.scoring import (
    abandon_run as abandon_run,
    cluster_records as cluster_records,
    drop_expired as drop_expired,
    end_of_past as end_of_past,
    plan_run as plan_run,
    publish_run as publish_run,
    score_shard as score_shard,
)
from clustering.training import (
    approve as approve,
    change_champion as change_champion,
    draw_sample as draw_sample,
    drop_sample as drop_sample,
    gate as gate,
    preview as preview,
    promote as promote,
    prune as prune,
    roll_back as roll_back,
    train as train,
)
from clustering.versions.own_names import name_segment as name_segment, reset_segment_name as reset_segment_name
from clustering.versions.registry import Registry as Registry
from clustering.warehouse import Warehouse as Warehouse, migrate as migrate
