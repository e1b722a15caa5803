"""Runs a program on a terminal of its own. Usage: on-terminal.py ROWS COLUMNS PROGRAM ARGUMENT...

stdin: lines of JSON, {"type": "text"} or {"resize": [rows, columns]}. stdout: what the terminal shows. Ends with the
program's code.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


rows, columns, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
pid, master = pty.fork()
if pid == 0:
    resize(0, rows, columns)
    os.execvp(argv[0], argv)

commands = b""
sources = [master, 0]
while master in sources:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        chunk = os.read(0, 65536)
        if not chunk:
            sources.remove(0)
        commands += chunk
        *lines, commands = commands.split(b"\n")
        for command in map(json.loads, lines):
            if "type" in command:
                os.write(master, command["type"].encode())
            if "resize" in command:
                resize(master, *command["resize"])
                os.kill(pid, signal.SIGWINCH)
    if master in ready:
        try:
            shown = os.read(master, 65536)
        except OSError:  # the last program that had the terminal open has ended
            shown = b""
        if not shown:
            break
        os.write(1, shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
