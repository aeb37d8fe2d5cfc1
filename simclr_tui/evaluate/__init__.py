"""Is the encoder any good? Every protocol by which SimCLR is judged, in a process of its own (training plane)."""
