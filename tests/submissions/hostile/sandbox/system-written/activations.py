# Writes over the interpreter, NumPy, the kernel's files and the system's programs.

# %% sigmoid
import glob
import os
import sys

import kernel

for place in (np.__file__, os.__file__, sys.executable, kernel.__file__, "/usr/bin/env", "/etc/localtime", "/kernel/x",
              "/x", "/dev/x", "/proc/x/y"):
    try:
        with open(place, "ab"):
            print("LEAK", place)
    except OSError as error:
        print(error)
