# Returns an object that is another array each time it is asked.

# %% sigmoid
class Moody:
    asked = 0

    def __init__(self, shape):
        self.shape = shape

    def __array__(self, dtype=None, copy=None):
        Moody.asked += 1
        return np.full(self.shape, Moody.asked % 2, dtype=float)


def sigmoid(z):
    return Moody(np.shape(z))
