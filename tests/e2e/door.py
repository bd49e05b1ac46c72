"""A door to a server on this machine that can be shut: each connection is passed on as it is.

    door.py PORT SERVER_PORT       says on which port it listens; PORT 0: any
"""
import socket
import sys
import threading


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for end in (a, b):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(listener.getsockname()[1], flush=True)
while True:
    a, _ = listener.accept()
    try:
        b = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    except OSError:
        a.close()
        continue
    threading.Thread(target=pump, args=(a, b), daemon=True).start()
    threading.Thread(target=pump, args=(b, a), daemon=True).start()
