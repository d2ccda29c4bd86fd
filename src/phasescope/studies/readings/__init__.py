"""Readings that several studies share, as numbers of every run; a file an idea.

`phases` when samples and sheet are in which phase; `outcomes` what wrong samples hold meanwhile; `crossings` when a course
passes a level, and whether two onsets go together; `objects`, `places` and `halves` what samples of bumps hold and where;
`middle_snapshots` what is read once a phase; `held_out` accuracy on labels that were never trained on; `factorization` the
index of latents; `closest_reference` which exact denoiser a network is closest to; `surfaces` and `explained` statistics.

    from phasescope.studies.readings.phases import phases_abc
"""
