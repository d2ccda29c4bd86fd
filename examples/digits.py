"""Write scikit-learn's handwritten digits as a data set to train on: 1,797 images of 8 x 8 pixels, each with its class.

python digits.py
phasescope train digits.yaml
"""

import numpy as np
from sklearn.datasets import load_digits

WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])

digits = load_digits()
np.savez("digits.npz", images=(digits.images / 16).astype("float32"), digit=WORDS[digits.target])
