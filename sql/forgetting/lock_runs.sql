-- Keeps runs from being planned and published until the transaction ends.
lock table segmentation.scoring_runs in share row exclusive mode
