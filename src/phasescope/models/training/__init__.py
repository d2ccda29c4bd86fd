"""Training.

Other packages use `config` (the settings), `base` (classes that a user's loss and optimiser derive from), `loop` (a learner
and its steps), `losses`, `data` and `withholding`; the other modules are parts of a step.
"""
