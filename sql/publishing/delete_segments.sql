-- Removes what was published before for a run's date and models. Parameters: run_id, as_of.
delete from segmentation.segments as segment
using segmentation.run_models as model
where model.run_id = %(run_id)s and segment.as_of = %(as_of)s and segment.model = model.model
