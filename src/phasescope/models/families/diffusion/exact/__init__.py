"""The exact theory of a diffusion: optimal denoisers, and what follows from them before and during training.

`DiffusionConfig.analysis` returns `analysis.DiffusionAnalysis`; the other modules are its parts. They build on each other in
this order: optimum, reference_denoisers, noisy_images, information, references; then nats, forecast, clones,
closest_reference.
"""
