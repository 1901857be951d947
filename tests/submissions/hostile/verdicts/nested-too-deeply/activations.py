# Returns lists nested a hundred thousand deep.

# %% sigmoid
def sigmoid(z):
    value = 0.5
    for _ in range(100_000):
        value = [value]
    return value
