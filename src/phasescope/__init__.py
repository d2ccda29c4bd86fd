"""phasescope: watch small generative models learn images whose factors are known exactly."""
