# Connects to the host's loopback, to the outside world and to a virtual machine's host.

# %% sigmoid
import socket

for family, address in ((socket.AF_INET, ("127.0.0.1", 22)), (socket.AF_INET, ("1.1.1.1", 53)),
                        (socket.AF_INET6, ("::1", 22)), (40, (2, 22))):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            sock.connect(address)
            print("LEAK", address)
    except OSError as error:
        print(error)
