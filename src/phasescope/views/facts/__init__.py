"""What pages, figures and tables say about a run, as data: without a web server, without matplotlib.

`record` is a run as views read it; `scores`, `tables`, `words` and `rows` what is said of it; `terms` and `numbers` its
words and digits. `figures`, `web` and `terminal` draw what these return.
"""
