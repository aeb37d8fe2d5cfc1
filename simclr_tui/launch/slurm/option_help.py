"""What each option of a Slurm job means, in one sentence: for `--help` and for the form. Imports nothing."""

OPTION_HELP = {
    "partition": "Slurm partition to submit to.",
    "time": "Time limit per Slurm job (90m, 8h, 2d); the run continues in another job.",
    "cpus": "CPU cores per Slurm task (0: Slurm's default).",
    "nodes": "Nodes of the Slurm job, which share its --gpus evenly (0: Slurm's default).",
}
