"""Speed, measured: throughput against peers, time to order, scaling, and where a step's time goes."""
