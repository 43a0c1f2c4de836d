-- Removes the checks that were written before for a run's date and models. Parameters: run_id, as_of.
delete from segmentation.drift_checks as checked
using segmentation.run_models as model
where model.run_id = %(run_id)s and checked.as_of = %(as_of)s and checked.model = model.model
