"""A server of tests/api/serve.c, and a client of it."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading

SERVE = os.environ.get("OUT", "build/asan") + "/api/serve"


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def reason(self):
        return self.json.get("reason")

    def fields(self):
        return [cause["field"] for cause in self.json["causes"]]


class Serve:
    """The program, its stdin and one connection."""

    def __init__(self, pki, database, client_ca=False, recheck_ms=300):
        certificate, key = pki.path("server.crt"), pki.path("server.key")
        arguments = [SERVE, database, certificate, key, pki.path("ca.crt") if client_ca else "-",
                     str(recheck_ms)]
        self.program = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.errors = []
        threading.Thread(target=self.read_errors, daemon=True).start()
        first = self.program.stdout.readline().split()
        if not first:
            raise RuntimeError("it does not start: " + "".join(self.errors))
        self.port = int(first[1])
        self.lock = threading.Lock()
        self.context = ssl.create_default_context(cafile=pki.path("ca.crt"))
        self.connection = None

    def read_errors(self):
        for line in self.program.stderr:
            self.errors.append(line)

    def tell(self, *words):
        with self.lock:
            self.program.stdin.write(" ".join(str(word) for word in words) + "\n")
            self.program.stdin.flush()
            line = self.program.stdout.readline()
        if not line:
            raise RuntimeError("it ended: " + "".join(self.errors[-30:]))
        return int(line)

    def stop(self):
        """Its exit code: a sanitizer's findings are one."""
        self.program.stdin.close()
        return self.program.wait(60)

    def connect(self, context=None):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30,
                                           context=context or self.context)

    def raw(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers and curl do
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, method, path, user="teacher", body=None, headers=None, context=None):
        sent = dict(headers or {})
        if user is not None:
            sent.setdefault("Authorization", "Bearer " + user)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        for attempt in (1, 2):
            if context is not None or self.connection is None:
                connection = self.connect(context)
            else:
                connection = self.connection
            try:
                connection.request(method, path, body, sent)
                response = connection.getresponse()
                answer = Answer(response, response.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                self.connection = None
                if attempt == 2:
                    raise
                continue
            except Exception:
                connection.close()
                self.connection = None
                raise
            if context is None:
                self.connection = connection
            else:
                connection.close()
            return answer
        return None

    def get(self, path, user="teacher", **others):
        return self.ask("GET", path, user, **others)

    def post(self, path, body=None, user="teacher", **others):
        return self.ask("POST", path, user, body, **others)


class Stream:
    """Server-sent events, read as a browser reads them."""

    def __init__(self, serve, path, user="teacher", headers=None):
        self.socket = serve.raw()
        lines = ["GET %s HTTP/1.1" % path, "Host: localhost", "Authorization: Bearer " + user]
        lines += ["%s: %s" % pair for pair in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = http.client.parse_headers(self.file)
        self.left = b""

    def line(self):
        """The next line; None at the end."""
        while b"\n" not in self.left:
            size = self.file.readline()
            if not size:
                raise OSError("it breaks off")
            if int(size, 16) == 0:
                return None
            self.left += self.file.read(int(size, 16))
            self.file.read(2)
        line, self.left = self.left.split(b"\n", 1)
        return line.decode()

    def event(self):
        """(id, type, data) of the next event; None at the end."""
        number, kind, data = None, None, None
        while True:
            line = self.line()
            if line is None:
                return None
            if line == "":
                if kind is not None:
                    return number, kind, json.loads(data)
                number = None
            elif line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data = line[6:]

    def rest(self):
        """Its lines to the end, which is a proper one."""
        lines = []
        while (line := self.line()) is not None:
            lines.append(line)
        return "\n".join(lines)

    def close(self):
        self.file.close()
        self.socket.close()
