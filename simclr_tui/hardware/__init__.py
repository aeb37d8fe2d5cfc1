"""What it runs on: GPU and host samples. Nothing here raises for a missing reading or waits for a hung driver."""
