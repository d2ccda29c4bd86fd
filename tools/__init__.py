"""What only this house's own developers run, from the repository's root; not in the wheel."""
