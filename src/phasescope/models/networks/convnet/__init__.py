"""A network of convolutions alone, which sees no further than its receptive field."""
