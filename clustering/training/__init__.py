"""Train, judge and register new versions of the models."""
