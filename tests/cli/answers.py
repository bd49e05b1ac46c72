#!/usr/bin/env python3
"""An API server made of answers that are written down: `serve` in tests/cli/lib starts it.

The file "cluster" has each path's answer, {PATH: [CODE, BODY]}; of another path it is 404, and code
0 closes the connection.  It is read for each request.  A list comes in pages of two, whatever is
asked for.  "seen" gets a line for each request, "kubeconfig" the way here.
"""
import http.server
import json
import urllib.parse

written = open("seen", "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        path, _, query = self.path.partition("?")
        print(self.command, path, file=written)
        with open("cluster") as file:
            code, body = json.load(file).get(path, [404, None])
        if code == 0:
            self.close_connection = True
            return
        if code != 200:
            body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                    "message": f"{path} answers {code}"}
        elif body["kind"].endswith("List") and "items" in body:
            begin = int(urllib.parse.parse_qs(query).get("continue", ["0"])[0])
            more = begin + 2 < len(body["items"])
            body = {**body, "metadata": {"continue": str(begin + 2)} if more else {},
                    "items": body["items"][begin:begin + 2]}
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("kubeconfig", "w") as file:
    json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
               "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
               "clusters": [{"name": "c", "cluster":
                             {"server": f"http://127.0.0.1:{server.server_port}"}}],
               "users": [{"name": "u", "user": {}}]}, file)
print("ready", flush=True)
server.serve_forever()
