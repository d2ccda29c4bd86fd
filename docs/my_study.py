"""A study of your own: copy this file, change its cells and its claim, and run

phasescope claims --controls --study my_study.py    can its claim be won and lost? Before any run
phasescope study my_study.py                        runs what is missing, judges, draws (--dry-run: what it costs)
phasescope report my_study.py                       its page as HTML; records and README.md lie in my_study/
"""

from phasescope.studies import Asked, Claim, Courses, OnsetRatio, Study, onset_of_accuracy, product

CELLS = product("sigma={sigma:g}", lambda sigma: {"world": {"sigma_px": sigma}}, sigma=(1.0, 2.0))

STUDY = Study(
    name="my_study",
    question="Are wider bumps learned earlier?",
    base="fast",  # the preset that every cell starts from
    cells=CELLS,
    seeds=12,  # runs per cell
    claims=[
        Claim(
            name="wider_earlier",
            asked=Asked.BEFORE,  # before anybody looked at runs; AFTER, AFTER_OTHERS if somebody had
            sentence="A bump twice as wide is generated correctly earlier.",
            statistic=OnsetRatio("sigma", 2.0, 1.0),  # onset of sigma = 2 over that of sigma = 1
            numbers=onset_of_accuracy("grid"),  # one number per run: when most samples are correct
            threshold=0.8,
            direction="below",
            effect=0.3,  # the distance from the threshold that matters
            spread=0.25,  # standard deviation of log onsets between runs, as assumed
            limits="That overlap is the reason: a wider bump also has more dark pixels.",
        )
    ],
    plots=[Courses("accuracy", "Accuracy", {"accuracy": "accuracy.grid.joint"}, by="sigma", ylim=(0, 1))],
)
