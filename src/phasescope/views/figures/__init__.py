"""Figures of one run, drawn by matplotlib from a `Record`; they compute nothing but where a thing is drawn."""
