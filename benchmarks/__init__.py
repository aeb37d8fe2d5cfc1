"""Measurements that take a particular machine or a long time, run by hand from the repository's root."""
