"""Starts a server of Proctor for tests, and speaks to it: TLS, HTTP/1.1, raw bytes."""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

OUT = os.environ.get("OUT", "build")
PROCTOR = os.environ.get("PROCTOR", OUT + "/bin/proctor")
WEBHOOK = os.environ.get("PROCTOR_WEBHOOK", OUT + "/bin/proctor-webhook")
# A command that each server is run under, e.g. valgrind.
UNDER = os.environ.get("UNDER", "").split()
# Under it, and under ThreadSanitizer, everything takes its time.
SLOW = bool(UNDER) or "TSAN_OPTIONS" in os.environ
WAIT = 600 if SLOW else 30  # seconds until something that must happen counts as not happening


def wait_for(what, condition):
    """Asks again until `condition` holds; no test depends on how long that takes."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("never: " + what)


def issue(folder, *names):
    command = [PROCTOR, "certs", "issue", "--out", folder]
    for name in names or ("localhost",):
        command += ["--dns", name]
    subprocess.run(command + ["--ip", "127.0.0.1"], check=True, stdout=subprocess.DEVNULL)


def mount(place, files):
    """A folder as the kubelet makes it: files -> ..data -> ..TIME."""
    os.makedirs(place, exist_ok=True)
    new = tempfile.mkdtemp(prefix="..2026", dir=place)
    os.chmod(new, 0o755)
    for name, source in files.items():
        shutil.copy(source, os.path.join(new, name))
        if not os.path.lexists(os.path.join(place, name)):
            os.symlink("..data/" + name, os.path.join(place, name))
    old = os.path.realpath(os.path.join(place, "..data"))
    os.symlink(os.path.basename(new), os.path.join(place, "..data_tmp"))
    os.rename(os.path.join(place, "..data_tmp"), os.path.join(place, "..data"))
    if os.path.basename(old) != "..data":
        shutil.rmtree(old)


def review(uid="11111111-2222-3333-4444-555555555555", obj=None, **members):
    obj = obj or config_map()
    request = {
        "uid": uid,
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "a", "namespace": "student-2024001", "operation": "CREATE",
        "userInfo": {"username": "student", "groups": ["system:authenticated"]},
        "object": obj, "oldObject": None, "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    request.update(members)
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def config_map(data=None):
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "student-2024001"}, "data": data or {"a": "b"}}


def deployment(containers):
    labels = {"app": "student-2024001"}
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "student-2024001", "namespace": "student-2024001"},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels},
                                  "spec": {"containers": containers}}}}


def deployment_review(containers):
    return review(obj=deployment(containers), name="student-2024001",
                  kind={"group": "apps", "version": "v1", "kind": "Deployment"},
                  resource={"group": "apps", "version": "v1", "resource": "deployments"})


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Connection:
    """One TLS connection; what is sent is given as bytes, so that it can be wrong."""

    def __init__(self, port, context=None):
        raw = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go's clients and curl do
        self.socket = (context or client_context()).wrap_socket(raw)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed after %r" % self.buffer[:80])
        self.buffer += data

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(int(lines[0].split()[1]), headers, body)

    def post(self, body, path="/validate", kind="application/json", extra=""):
        head = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
            path, kind, len(body), extra)
        self.send(head.encode())
        self.send(body)
        return self.read()

    def closed(self):
        """Waits for the server to close; whatever it still says is dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Greeting:
    """A handshake whose every byte is sent by hand, or never."""

    def __init__(self, port, context=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
        self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(self.came, self.goes)
        assert not self.shake()
        self.hello = self.goes.read()

    def shake(self):
        """True when the hands are shaken."""
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    def receive(self):
        data = self.socket.recv(65536)
        assert data, "the server closed"
        self.came.write(data)

    def finish(self):
        """Once the ClientHello is sent."""
        while not self.shake():
            self.socket.sendall(self.goes.read())
            self.receive()

    def records(self, data, size):
        """These bytes as TLS records of so many each, not sent yet."""
        for at in range(0, len(data), size):
            self.tls.write(data[at:at + size])
        return self.goes.read()

    def read(self):
        """The next that comes back."""
        while True:
            try:
                data = self.tls.read(65536)
                assert data, "the server closed"
                return data
            except ssl.SSLWantReadError:
                self.receive()

    def exchange(self, data):
        self.socket.sendall(self.records(data, 16384))
        return self.read()

    def close(self):
        self.socket.close()


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Program:
    """A running server: its log, its plain port, its end."""

    def __init__(self, folder, *command, wait=True):
        self.log_path = os.path.join(folder, "log")
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen([*UNDER, *command], stderr=self.log_file, stdout=self.log_file,
                                        stdin=subprocess.DEVNULL)
        if wait:
            line = wait_for("serving", lambda: self.process.poll() is not None or
                            self.logged("serving"))
            assert self.process.poll() is None, self.log()
            self.ports = line
            self.port, self.admin = int(line["port"]), int(line["metricsPort"])

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def lines(self):
        return [json.loads(line) for line in self.log().splitlines(True)
                if line.startswith("{") and line.endswith("\n")]

    def logged(self, message, **members):
        for line in self.lines():
            if line["message"] == message and all(members[k] in line.get(k, "") for k in members):
                return line
        return None

    def says(self, message, **members):
        """The same, when it comes: it can come after the answer or the count that it tells of."""
        return wait_for("log: " + message, lambda: self.logged(message, **members))

    def page(self, path):
        url = "http://127.0.0.1:%d%s" % (self.admin, path)
        try:
            with urllib.request.urlopen(url, timeout=WAIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ready(self):
        return json.loads(self.page("/readyz")[1])

    def metric(self, name, **labels):
        """The sum of the rows that have these labels; 0 if there is none."""
        total = 0.0
        for line in self.page("/metrics")[1].splitlines():
            found = re.match(r"proctor_(\w+)(?:\{(.*)\})? (\S+)$", line)
            if found and found.group(1) == name:
                have = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2) or ""))
                if all(have.get(k) == v for k, v in labels.items()):
                    total += float(found.group(3))
        return total

    def connect(self, context=None):
        return Connection(self.port, context)

    def post(self, body, **how):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with self.connect() as connection:
            return connection.post(body, **how)

    def alive(self):
        assert self.process.poll() is None, "the process ended:\n" + self.log()
        assert self.page("/healthz") == (200, "ok\n")

    def sleeps(self):
        """Whether no thread of it runs now, or wants to."""
        threads = "/proc/%d/task/" % self.process.pid
        for thread in os.listdir(threads):
            with open(threads + thread + "/stat", encoding="ascii") as file:
                if file.read().rsplit(") ", 1)[1][0] == "R":
                    return False
        return True

    def peak_kib(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(WAIT)
        self.log_file.close()
        return code


class Server(Program):
    """proctor-webhook."""

    def __init__(self, policies, certs, folder, *flags, wait=True):
        self.decisions_path = os.path.join(folder, "decisions")
        if SLOW and "--request-seconds" not in flags:
            flags += ("--request-seconds", "60")
        super().__init__(
            folder, WEBHOOK, "--policies", policies, "--tls-dir", certs, "--listen", "127.0.0.1:0",
            "--metrics-listen", "127.0.0.1:0", "--decision-log", self.decisions_path, *flags,
            wait=wait)

    def decisions(self):
        with open(self.decisions_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().splitlines(True)
                    if line.endswith("\n")]

    def alive(self):
        super().alive()
        assert self.post(review()).json()["response"]["allowed"] is True
