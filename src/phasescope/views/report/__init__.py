"""The report of one run: its page, its words, its tables, its figures as files."""
