-- Creates the roles and their rights where they are missing; returns what the user may not do. Parameters: schema, table.
select told from segmentation.grant_roles(%(schema)s, %(table)s) as told
