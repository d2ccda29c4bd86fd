from phasescope.cli import command

command()
