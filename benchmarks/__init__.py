"""How quick phasescope is, here and beside other libraries: `./lab bench`; no part of the wheel."""
