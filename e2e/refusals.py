"""Rejected requests of http.client and urllib3: the Python part of refusals.mjs.

    python refusals.py GRAPH CASES

CASES is a JSON list of objects with status, headers and length. Prints "CLIENT: good" or the problem.
"""

import http.client
import json
import sys
from urllib.parse import urlsplit

import urllib3

GOOD = (200, {"content-type": "application/json"}, b'{"query":"{ __typename }"}')


def by_http_client(graph):
    url = urlsplit(graph)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)

    def ask(headers, body):
        connection.request("POST", url.path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status

    return ask


def by_urllib3(graph):
    pool = urllib3.PoolManager(maxsize=1)

    def ask(headers, body):
        return pool.request("POST", graph, body=body, headers=headers, retries=False, timeout=30).status

    return ask


def wrongs(ask, cases):
    for case in cases:
        refused = (case["status"], case["headers"], b"x" * case["length"])
        for status, headers, body in (refused, GOOD):
            try:
                seen = ask(headers, body)
            except Exception as error:  # Whatever the client makes of it is the finding.
                seen = repr(error)
            if seen != status:
                yield f"{seen} instead of {status} around {case['length']} bytes"


def main():
    graph, cases = sys.argv[1], json.loads(sys.argv[2])
    for name, ask in (("http.client", by_http_client(graph)), ("urllib3", by_urllib3(graph))):
        print(f"{name}: {'; '.join(wrongs(ask, cases)) or 'good'}")


main()
