# The function is an object that answers differently each time and rewrites its own name.

# %% sigmoid
class Sigmoid:
    __name__ = "sigmoid"
    count = 0

    def __call__(self, z):
        self.count += 1
        globals()["sigmoid"] = Sigmoid()
        return np.full(np.shape(z), self.count / 7)


sigmoid = Sigmoid()
