"""Evaluate encoders by the protocols of the paper, in a process of its own (training plane)."""
