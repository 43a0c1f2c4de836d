"""Score all customers with every champion: plan, shards, publishing, retention."""
