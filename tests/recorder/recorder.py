"""Starts proctor-recorder for tests: one that reaches no API server, and takes intents."""
import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))
from server import OUT, Connection, Program, config_map, deployment, review  # noqa: E402,F401

RECORDER = os.environ.get("PROCTOR_RECORDER", OUT + "/bin/proctor-recorder")
SECRET = "0123456789abcdef-secret"
ROOM = "hydrosim-students"
NOWHERE = """{apiVersion: v1, kind: Config, current-context: a,
 contexts: [{name: a, context: {cluster: a, user: a}}],
 clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}], users: [{name: a, user: {}}]}
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def intent(name="student-2024001", image="app:v1", generation=1, user="s2024001", old=None,
           uid="11111111-2222-3333-4444-555555555555", annotations=None, **members):
    """The AdmissionReview of a student's change to a Deployment."""
    obj = made(name, image, generation, annotations)
    request = {"uid": uid, "name": name, "namespace": ROOM,
               "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
               "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
               "operation": "CREATE" if old is None else "UPDATE", "oldObject": old,
               "userInfo": {"username": user, "groups": ["students", "system:authenticated"]}}
    request.update(members)
    return review(obj=obj, **request)


def made(name="student-2024001", image="app:v1", generation=1, annotations=None):
    obj = deployment([{"name": "app", "image": image}])
    obj["metadata"] = {"name": name, "namespace": ROOM, "uid": "uid-of-" + name,
                       "generation": generation, "annotations": annotations or {}}
    return obj


class Recorder(Program):
    """proctor-recorder; `settings` are flags, as `size_bytes=...`."""

    def __init__(self, certs, folder, *flags, wait=True, command=(), **settings):
        self.secret = os.path.join(folder, "secret")
        if not os.path.exists(self.secret):
            write(self.secret, SECRET + "\n")
        self.database = settings.setdefault("database", os.path.join(folder, "history.db"))
        kubeconfig = os.path.join(folder, "kubeconfig")
        if not os.path.exists(kubeconfig):
            write(kubeconfig, NOWHERE)
        settings = {"policies": "policies", "tls_dir": certs, "listen": "127.0.0.1:0",
                    "record_listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0",
                    "record_secret": self.secret, "kubeconfig": kubeconfig,
                    "drain_quiet_seconds": 0, "record_ms": 900, **settings}
        words = ["--%s=%s" % (key.replace("_", "-"), value) for key, value in settings.items()
                 if value is not None]
        super().__init__(folder, *command, RECORDER, *words, *flags, wait=wait)
        if wait:
            self.api_port, self.port = self.port, int(self.ports["recordPort"])

    def record(self, body, path="/record/" + SECRET, **how):
        return self.post(body, path=path, **how)

    def allowed(self, body, **how):
        answer = self.record(body, **how)
        assert answer.status == 200, (answer.status, answer.body)
        response = answer.json()["response"]
        assert response["uid"] == body["request"]["uid"], response
        return response

    def rows(self, query, *values):
        """Of the database, when the program has ended: it keeps it for itself."""
        with sqlite3.connect(self.database) as database:
            return database.execute(query, values).fetchall()


def sql(path, script):
    with sqlite3.connect(path) as database:
        database.executescript(script)


__all__ = ["Connection", "Recorder", "RECORDER", "ROOM", "SECRET", "config_map", "intent", "json",
           "made", "review", "sql", "write"]
