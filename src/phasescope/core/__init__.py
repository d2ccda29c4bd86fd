"""The basis of all packages: errors, configurations, kinds, factors, randomness, places."""
