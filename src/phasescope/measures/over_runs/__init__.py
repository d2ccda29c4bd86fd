"""Statistics of several runs: intervals by resampling runs, rank correlations and agreement.

Functions of resampling weights (S, n), how often each of n runs is drawn in each of S resamples, to S values.
"""
