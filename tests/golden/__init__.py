"""A run folder of each version, as that version wrote it; its checkpoints are left out, for their size."""
