-- Removes the profiles that were published before for a run's date and models. Parameters: run_id, as_of.
delete from segmentation.segment_profiles as profile
using segmentation.run_models as model
where model.run_id = %(run_id)s and profile.as_of = %(as_of)s and profile.model = model.model
