-- Marks the changes of those whom the preceding date's version would have left where they were. Names: changes, former.
update {changes} as change
set by_model = true
from {former} as former
where former.customer_id = change.customer_id and former.segment_id = change.from_segment
