"""Has a conditional model learned its condition? A meter for any training loop (see `meter`)."""

from phasescope.models.families.diffusion.meter.callbacks import EverySteps
from phasescope.models.families.diffusion.meter.meter import ConditionMeter
from phasescope.models.families.diffusion.meter.reading import Reading

__all__ = ["ConditionMeter", "EverySteps", "Reading"]
