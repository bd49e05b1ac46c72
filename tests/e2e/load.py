#!/usr/bin/env python3
"""A constant load through the API server, to see whether any request is lost meanwhile.

    load.py SERVER PKI USER NAMESPACE RESULT

A few kept connections create a conforming Deployment and a bare Pod in turns, as a dry run, so
that both phases of the webhook are asked and nothing is stored.  At SIGTERM, once a few dozen are
answered, or after two minutes, RESULT holds a line "N answered" and one for each answer that was
not as it has to be.
"""
import http.client
import json
import signal
import ssl
import sys
import threading
import time

CONNECTIONS = 4
PAUSE_SECONDS = 0.02
LIMIT_SECONDS = 120
ANSWERS_MIN = 40

told = threading.Event()  # to end
stop = threading.Event()
lock = threading.Lock()
answered = 0
faults = []


def manifest(kind, name):
    container = {"name": "app", "image": f"registry.hydrosim.edu/{name}:v1",
                 "ports": [{"containerPort": 8000}]}
    labels = {"app": name}
    metadata = {"name": name, "labels": labels}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata,
                "spec": {"containers": [container]}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": template}}


def tell(text):
    with lock:
        faults.append(f"{time.strftime('%H:%M:%S')} {text}")


def judge(status, body, wanted):
    """Says what is wrong with an answer: another code, or another's refusal."""
    global answered
    with lock:
        answered += 1
    if status != wanted or (wanted == 422 and b"no-bare-pods" not in body):
        tell(f"{status} in place of {wanted}: {body[:300]!r}")


def work(number, server, pki, user, namespace):
    context = ssl.create_default_context(cafile=f"{pki}/ca.crt")
    context.load_cert_chain(f"{pki}/{user}.crt", f"{pki}/{user}.key")
    name = f"student-{user[1:]}-load{number}"
    turns = [(f"/apis/apps/v1/namespaces/{namespace}/deployments", manifest("Deployment", name), 201),
             (f"/api/v1/namespaces/{namespace}/pods", manifest("Pod", name), 422)]
    connection = None
    while not stop.is_set():
        for path, body, wanted in turns:
            try:
                if connection is None:
                    connection = http.client.HTTPSConnection(server, timeout=30, context=context)
                connection.request("POST", path + "?dryRun=All", json.dumps(body),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                judge(answer.status, answer.read(), wanted)
            except (OSError, http.client.HTTPException) as error:
                tell(f"no answer: {error!r}")
                connection = None
        stop.wait(PAUSE_SECONDS)


def main():
    server, pki, user, namespace, result = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    workers = [threading.Thread(target=work, args=(i, server.removeprefix("https://"), pki, user,
                                                   namespace)) for i in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until and not (told.is_set() and answered >= ANSWERS_MIN):
        time.sleep(0.1)
    stop.set()
    for worker in workers:
        worker.join()
    with open(result, "w", encoding="utf-8") as out:
        print(f"{answered} answered", *faults, sep="\n", file=out)


main()
