import sys

# `python -m` puts the working folder first on the path: nothing in it was named to be executed.
if not sys.flags.safe_path:
    del sys.path[0]

from phasescope.cli import command

command()
