"""Versions of models: what a training leaves, where it is kept, and which one is the champion."""
