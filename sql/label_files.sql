-- name: forget_run
-- Lists none of a run's files any more, so that nobody reads them.
-- Parameters: run_id.
delete from segmentation.label_files as file
using segmentation.run_models as made
where made.run_id = :run_id and file.label_set = made.label_set;

-- name: leave
-- Notes that nothing of a run that came to nothing lies in files any more, a day after it has ended: until then an
-- attempt may go on that knows nothing of the end, and leave something where it is killed.
-- Parameters: run_id.
update segmentation.run_models as made
set label_folder = null
from segmentation.scoring_runs as run
where made.run_id = :run_id and run.run_id = :run_id and run.finished_at < now() - interval '1 day';

-- name: list
-- Lists a file with labels, unless its model has left the run.
-- Parameters: label_set, path, shard, rows, bytes.
insert into segmentation.label_files (label_set, path, shard, rows, bytes)
select label_set, :path, :shard, :rows, :bytes from segmentation.run_models where label_set = :label_set;

-- name: listed
-- Returns the files with labels of a label set.
-- Parameters: label_set.
select made.model_version_id, file.path, file.rows, file.bytes
from segmentation.label_files as file
join segmentation.run_models as made on made.label_set = file.label_set
where file.label_set = :label_set
order by file.shard, file.path;

-- name: replace
-- Lists a file in place of another.
-- Parameters: label_set, former_path, path, rows, bytes.
update segmentation.label_files
set path = :path, rows = :rows, bytes = :bytes
where label_set = :label_set and path = :former_path;

-- name: shards_rows
-- Returns how many labels a run has listed, by version and shard.
-- Parameters: run_id.
select made.model_version_id, file.shard, sum(file.rows)::bigint as rows
from segmentation.label_files as file
join segmentation.run_models as made on made.label_set = file.label_set
where made.run_id = :run_id
group by made.model_version_id, file.shard;

-- name: unlist
-- Lists a file no more.
-- Parameters: label_set, path.
delete from segmentation.label_files where label_set = :label_set and path = :path;

-- name: with_files
-- Returns the runs whose labels are files, the oldest first, and whether these are kept: of a run that is being scored,
-- whose files are written at this moment, nothing is to be removed.
select
    run.run_id, bool_or(run.status = 'running') as is_going_on,
    bool_or(run.status in ('held', 'published', 'replaced', 'withdrawn')) as is_kept
from segmentation.scoring_runs as run
join segmentation.run_models as made on made.run_id = run.run_id
where made.label_folder is not null and run.labels_dropped_at is null
group by run.run_id
order by run.run_id;
