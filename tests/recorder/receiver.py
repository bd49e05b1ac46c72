#!/usr/bin/env python3
"""A receiver of the recorder's webhook, over TLS: verifies, remembers, and refuses once.

    receiver.py CERT KEY KEYFILE LOG PORT     prints its port (0: any); each request is a line of
                                              JSON in LOG

The first try of each delivery is answered with 500, so that each comes twice.
"""
import http.server
import json
import ssl
import sys

from verify_signature import is_genuine

CERT, KEY, KEYS, LOG, PORT = sys.argv[1:6]
tries = {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        delivery = self.headers["Proctor-Delivery"]
        tries[delivery] = tries.get(delivery, 0) + 1
        with open(KEYS, "rb") as file:
            genuine = is_genuine(file.read().split(), delivery, self.headers["Proctor-Timestamp"],
                                 self.headers["Proctor-Signature"], body)
        with open(LOG, "a", encoding="utf-8") as log:
            log.write(json.dumps({"path": self.path, "delivery": delivery, "genuine": genuine,
                                  "try": tries[delivery], "event": json.loads(body)}) + "\n")
        self.send_response(500 if tries[delivery] == 1 else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
