"""What the papers claim, asked of runs: one file a study."""
