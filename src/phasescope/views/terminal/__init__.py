"""What verbs print: tables for people, JSON for programs."""
