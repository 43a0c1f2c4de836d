-- Waits until nobody else registers or promotes a version of this model. Parameters: model.
select pg_advisory_xact_lock(hashtext('segmentation.model_versions'), hashtext(%(model)s))
