"""From images to a prediction in Python: train LeNet-5 on the digits, load the model file, ask it about an image.

Run: python examples/train_and_use.py [EPOCHS]
"""

import sys

import striate

run = striate.train("digits", epochs=int(sys.argv[1]) if len(sys.argv) > 1 else 40)
low, high = run.evaluation.interval
print(f"{run.part}: {run.evaluation.right} of {run.evaluation.n} right, 95 % interval {low:.3f} to {high:.3f}")

model = striate.load(run.folder)
prediction = model.predict(run.folder / "sample.png")
print(f"{prediction.path} shows a {prediction.label} ({prediction.probability:.1%})")
print(f"{striate.describe(run.folder).multiplies:,} multiplies for an image")
