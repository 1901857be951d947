# A list of one very long text and a million short ones: as an array of texts it would fill the memory.

# %% sigmoid
def sigmoid(z):
    return ["x" * 10_000] + [""] * 1_000_000
