"""What every package builds on: errors, configurations, kinds, factors, randomness, places."""
