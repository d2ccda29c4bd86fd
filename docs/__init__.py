"""The documentation's own code: `docs.figures` draws what its pages show."""
