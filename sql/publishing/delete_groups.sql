-- Removes the groups that were published before for a run's date and models. Parameters: run_id, as_of.
delete from segmentation.segment_groups as held
using segmentation.run_models as model
where model.run_id = %(run_id)s and held.as_of = %(as_of)s and held.model = model.model
