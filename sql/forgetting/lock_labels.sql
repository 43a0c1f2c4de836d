-- Keeps retention from detaching labels until the transaction ends: a delete through the parent would leave them out.
lock table only segmentation.customer_labels in share update exclusive mode
