#!/usr/bin/env python3
"""What a receiver of the recorder's webhook does before it believes a word.

    verify_signature.py KEYFILE DELIVERY TIMESTAMP SIGNATURE <BODY     exit code 0: it is genuine
"""
import hashlib
import hmac
import sys
import time


def is_genuine(keys, delivery, timestamp, signature, body, now=None):
    """keys: the ones that are believed now, as bytes; the headers Proctor-Delivery,
    Proctor-Timestamp and Proctor-Signature as they came; body: the bytes as they came."""
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        return False  # an old letter that somebody sends again
    text = delivery.encode() + b"." + timestamp.encode() + b"." + body
    given = [part[3:] for part in signature.split(",") if part.startswith("v1=")]
    wanted = [hmac.new(key, text, hashlib.sha256).hexdigest() for key in keys]
    return any(hmac.compare_digest(one, other) for one in given for other in wanted)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        known = file.read().split()
    sys.exit(0 if is_genuine(known, *sys.argv[2:5], sys.stdin.buffer.read()) else 1)
