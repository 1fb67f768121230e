"""Takes so many MB of memory, and keeps them."""
import os
import sys
import time

held = bytearray()
while len(held) < int(sys.argv[1]) << 20:
    held += os.urandom(1 << 20)
time.sleep(10_000)
