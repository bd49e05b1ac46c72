"""An API server that misbehaves on demand, over TLS, and remembers what it was asked."""
import json
import os
import socket
import ssl
import subprocess
import threading

STALL = threading.Event()  # ends what hangs, when all tests are over


def openssl(*arguments):
    subprocess.run(("openssl",) + arguments, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Pki:
    """Certificates in a folder: a CA, and what it signs."""

    def __init__(self, folder):
        self.folder = folder
        self.authority("ca")
        self.authority("other-ca")

    def path(self, name):
        return os.path.join(self.folder, name)

    def authority(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt"),
                "-subj", "/CN=" + name, "-days", "2")

    def leaf(self, name, ca="ca", days=2, names="IP:127.0.0.1,DNS:api.example"):
        key, crt = self.path(name + ".key"), self.path(name + ".crt")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", self.path(name + ".csr"), "-subj", "/CN=" + name)
        with open(self.path("extensions"), "w", encoding="ascii") as file:
            file.write("subjectAltName=" + names + "\n")
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-out", crt, "-days", str(days),
                "-CA", self.path(ca + ".crt"), "-CAkey", self.path(ca + ".key"),
                "-CAcreateserial", "-extfile", self.path("extensions"))
        return crt, key


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ", 2)
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.body = body

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name]
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name]


def answer(code, body, kind="application/json", headers=()):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = ["HTTP/1.1 %d X" % code, "Content-Type: " + kind, "Content-Length: %d" % len(body)]
    return ("\r\n".join(lines + list(headers)) + "\r\n\r\n").encode("latin-1") + body


def status(code, reason, message, headers=(), **details):
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code}
    if details:
        body["details"] = details
    return answer(code, body, headers=headers)


class Server:
    """script(request, how many came before of this path, connection) gives bytes to send, or None
    to close.  It may send by itself."""

    def __init__(self, script, pair=None, client_ca=None):
        self.script, self.requests, self.counts = script, [], {}
        self.lock = threading.Lock()
        self.context = None
        if pair:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*pair)
            if client_ca:
                self.context.load_verify_locations(client_ca)
                self.context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            while self.one(connection):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def one(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        request = Request(head, b"")
        if request.path.split("?")[0].endswith("/slam"):  # closes before it has read what comes
            return False
        while len(body) < int(request.header("content-length") or 0):
            body += connection.recv(65536)
        request.body = body
        request.certificate = connection.getpeercert() if self.context else None
        request.connection = id(connection)
        path = request.path.split("?")[0]
        with self.lock:
            before = self.counts.get(path, 0)
            self.counts[path] = before + 1
            self.requests.append(request)
        sent = self.script(request, before, connection)
        if sent is None:
            return False
        connection.sendall(sent)
        return True

    def forget(self):
        with self.lock:
            self.requests, self.counts = [], {}

    def asked(self, path):
        with self.lock:
            return [request for request in self.requests if request.path.split("?")[0] == path]
