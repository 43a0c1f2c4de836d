-- Gives a segment back to the model's own naming. Parameters: model, segment_id.
delete from segmentation.segment_names where model = %(model)s and segment_id = %(segment_id)s
