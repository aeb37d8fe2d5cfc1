"""Check and measure the CUDA path on a machine with a GPU; `gpu-check.sh` runs every stage."""
