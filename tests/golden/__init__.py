"""Run folders of each version as that version wrote them: one read whole (`run1`), others left in the middle.

`run1` lacks its checkpoints, for their size; those in `interrupted/` have one each (see `make_interrupted.py`).
"""
