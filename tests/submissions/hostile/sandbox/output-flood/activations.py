# Prints and displays without end.

# %% sigmoid
from IPython.display import display

for _ in range(300):
    print("x" * 10**6)
    display({"text/html": "<b>" * 10**5, "text/plain": "y" * 10**5}, raw=True)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    print("x" * 10**6)
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
