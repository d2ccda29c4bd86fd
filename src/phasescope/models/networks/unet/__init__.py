"""A U-Net, the default network."""
