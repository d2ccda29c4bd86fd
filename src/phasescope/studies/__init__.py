"""Claims about learning, each with its design, its analysis and its verdict; one file a study."""

from phasescope.errors import UserError
from phasescope.studies import density, factorization, imbalance, order_and_accuracy, phases
from phasescope.studies.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (phases, order_and_accuracy, density, imbalance, factorization)
}
"""by name"""


def of_results(folder: str) -> Study | None:
    """The study whose results a folder of that name holds: the study's name, or that with a preset after it."""
    return STUDIES.get(folder.partition("-")[0])


def find_study(name: str) -> Study:
    """The study of a name.

    Raises:
        UserError: there is none.
    """
    if name not in STUDIES:
        raise UserError(f"`NAME` (={name}) must be one of {', '.join(STUDIES)}")
    return STUDIES[name]
