-- Adds what belonging to a cluster of a version costs. Parameters: the columns, arrays as text.
insert into segmentation.version_clusters (model_version_id, cluster_label, points, form, constant)
values (
    %(model_version_id)s, %(cluster_label)s, %(points)s::double precision[], %(form)s::double precision[], %(constant)s
)
