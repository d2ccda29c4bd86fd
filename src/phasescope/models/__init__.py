"""What is learned (`families`), by which network (`networks`), and how (`training`); the first two export their names."""
