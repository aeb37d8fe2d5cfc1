"""Sample GPUs and host. Nothing here raises for a missing reading or waits for a hung driver."""
