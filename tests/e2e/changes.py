"""Changes Deployments as fast as told, and holds what a recorder remembers against what was stored.

    changes.py make SERVER CA CERT KEY NAMESPACE COUNT SECONDS SEED >CHANGES
    changes.py last CHANGES <PROJECTS
    changes.py hold CHANGES DATABASE TIMES

`make` is the only one who writes to its projects: each answer of the API server is a line of
JSON with the uid and generation that it stored, the image of the template, and whether the
template is another than before; so the lines are all versions that there ever were.  `last`
fails while the answer of GET /api/projects lacks the last of one of them.  `hold` prints a line for each thing that it looked at, "pass" or "fail" first.  TIMES has a line
"UP DOWN LATE" for each life of the recorder: between these moments every change has to have an
intent, but for LATE of them, which it answered before they were on disk.
"""
import http.client
import json
import random
import sqlite3
import ssl
import sys
import threading
import time

PROJECTS = 12
STORED = "(1, 2, 3, 4, 5, 6, 7, 10)"


class Project:
    """One Deployment, and everything that is done to it, one after the other."""

    def __init__(self, number, server, context, namespace, seed):
        self.name = f"changed-{number}"
        self.server, self.context = server, context
        self.path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self.random = random.Random(seed * 1000 + number)
        self.connection = None
        self.image = None
        self.images = []
        self.lines = []

    def ask(self, method, path, body=None, kind="application/json"):
        """One request; the API server is there all the time."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(self.server, context=self.context)
        self.connection.request(method, path, json.dumps(body) if body else None,
                                {"Content-Type": kind})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def note(self, began, answer, what):
        status, stored = answer
        if status not in (200, 201):
            raise SystemExit(f"changes: {what} {self.name}: {status} {stored.get('message')}")
        image = stored["spec"]["template"]["spec"]["containers"][0]["image"]
        self.lines.append({
            "project": self.name, "uid": stored["metadata"]["uid"], "what": what,
            "generation": stored["metadata"]["generation"], "image": image,
            "version": what == "create" or image != self.image,
            "began": began, "ended": time.time()})
        self.image = image

    def create(self, image):
        labels = {"app": self.name}
        return self.ask("POST", self.path, {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": self.name},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": image}]}}}})

    def change(self):
        began, chance = time.time(), self.random.random()
        path = f"{self.path}/{self.name}"
        image = f"registry.hydrosim.edu/{self.name}:v{len(self.lines)}"
        if self.image is None:
            self.note(began, self.create(image), "create")
            self.images = [image]
            return
        if chance < 0.06:
            status, answer = self.ask("DELETE", path)
            while status != 404:
                status, answer = self.ask("GET", path)
            began = time.time()
            self.note(began, self.create(image), "create")
            self.images = [image]
            return
        if chance < 0.12:
            patch, what = {"metadata": {"annotations": {"note": str(chance)}}}, "annotate"
        elif chance < 0.17:
            patch, what = {"spec": {"replicas": self.random.randint(1, 2)}}, "scale"
        else:
            if chance < 0.3:
                image = self.random.choice(self.images)
            self.images.append(image)
            patch, what = {"spec": {"template": {"spec": {"containers": [
                {"name": "app", "image": image}]}}}}, "image"
        self.note(began, self.ask("PATCH", path, patch,
                                  "application/strategic-merge-patch+json"), what)


def run(project, count, seconds):
    for _ in range(count):
        due = time.time() + seconds / count
        project.change()
        time.sleep(max(0, due - time.time()))


def make(server, authority, certificate, key, namespace, count, seconds, seed):
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    projects = [Project(number, server, context, namespace, int(seed))
                for number in range(PROJECTS)]
    each = -(-int(count) // PROJECTS)
    threads = [threading.Thread(target=run, args=(project, each, float(seconds)))
               for project in projects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for project in projects:
        for line in project.lines:
            print(json.dumps(line))


def look(right, what, detail=""):
    print(f"{'pass' if right else 'fail'} {what}" + ("" if right else f": {detail}"))


def read(changes):
    with open(changes, encoding="ascii") as lines:
        return [json.loads(line) for line in lines]


def last(changes):
    wanted = {one["project"]: [one["uid"], one["image"]] for one in read(changes)}
    known = {one["name"]: [one["current"]["uid"], one["current"]["image"]]
             for one in json.loads(sys.stdin.readline())["items"] if one["current"]}
    wrong = [name for name in wanted if known.get(name) != wanted[name]]
    if wrong or not wanted:
        raise SystemExit(f"not up to date: {wrong}")


def hold(changes, database, times):
    made = read(changes)
    store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = store.execute(
        "SELECT p.name, r.uid, r.generation, r.status, r.origin, r.id, r.seq FROM revision r"
        " JOIN project p ON p.id = r.project_id WHERE p.name LIKE 'changed-%'").fetchall()
    stored = [row for row in rows if row[3] not in (0, 8, 9)]
    versions = [(one["project"], one["uid"], one["generation"]) for one in made if one["version"]]
    found = [row[:3] for row in stored]
    look(len(made) >= 500, "500 changes were made", len(made))
    missing = [one for one in versions if one not in found]
    look(not missing, f"each of {len(versions)} versions that were stored is remembered",
         f"{len(missing)}: {missing[:5]}")
    twice = sorted({one for one in found if found.count(one) > 1})
    look(not twice, "none of them twice", twice[:5])
    others = [one for one in found if one not in versions]
    look(not others, "and nothing else", others[:5])
    odd = [row for row in rows if row[3] in (0, 8, 9)]
    look(not odd, "nothing is pending, unknown or taken for refused", odd[:5])
    for project in sorted({row[0] for row in rows}):
        numbers = sorted(row[6] for row in rows if row[0] == project)
        if numbers != list(range(1, len(numbers) + 1)):
            look(False, f"the numbers of {project} have no hole", numbers)
    current = store.execute(
        "SELECT p.name, count(*) FROM revision r JOIN project p ON p.id = r.project_id"
        " WHERE r.memory LIKE '{\"current\":\"1\"%' GROUP BY p.name HAVING count(*) > 1").fetchall()
    look(not current, "one of a project is the current one", current)
    lost = store.execute(
        "SELECT i.id, i.state, i.generation FROM intent i LEFT JOIN revision r"
        " ON r.id = i.revision_id WHERE i.deletes = 0 AND (i.state <> 1 OR r.id IS NULL)"
        ).fetchall()
    look(not lost, "each intent belongs to a version", lost[:5])
    events = store.execute(
        "SELECT count(*), count(DISTINCT dedupe_key) FROM event WHERE type = 'deployment_started'"
        ).fetchone()
    look(events[0] == events[1] == len(versions), "each began once, by the events", events)
    hold_intents(store, made, times)
    store.close()


def hold_intents(store, made, times):
    """What was changed while a recorder was there was answered when it was on disk."""
    with open(times, encoding="ascii") as lines:
        lives = [[float(word) for word in line.split()] for line in lines]
    known = set(store.execute("SELECT uid, generation FROM intent").fetchall())
    inside = [one for one in made
              if any(up < one["began"] and one["ended"] < down for up, down, _ in lives)]
    missing = [one for one in inside if (one["uid"], one["generation"]) not in known]
    late = sum(life[2] for life in lives)
    look(len(missing) <= late,
         f"each of {len(inside)} changes while it was there has an intent",
         f"{len(missing)} have none, {late} were late: {missing[:3]}")
    look(len(lives) > 20, "it was killed 20 times", len(lives))


if __name__ == "__main__":
    {"make": make, "last": last, "hold": hold}[sys.argv[1]](*sys.argv[2:])
