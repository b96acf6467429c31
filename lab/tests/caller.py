"""Runs inside the lab for a test: one JSON question a line on stdin, one JSON answer a line on stdout.

The cloud's address exists only in there, and one process that stays is quicker than one for each call.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CLIENTS: dict[str, object] = {}


def aws(service: str, method: str, arguments: dict) -> dict:
    """One call with the operator's credentials, without retries: a test wants to see the first answer."""
    if service not in CLIENTS:
        CLIENTS[service] = boto3.client(service, config=Config(retries={"max_attempts": 0}, read_timeout=10))
    try:
        return {"result": getattr(CLIENTS[service], method)(**arguments)}
    except ClientError as error:
        return {"code": error.response["Error"]["Code"], "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
    except BotoCoreError as error:
        return {"code": type(error).__name__, "status": 0}


def control(method: str, name: str, body: dict | None) -> dict:
    """One order to the lab's controls."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/_lab/{name}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return {"result": json.load(answer)}
    except urllib.error.HTTPError as error:
        return {"code": json.load(error)["error"], "status": error.code}


for line in sys.stdin:
    kind, *words = json.loads(line)
    print(json.dumps((aws if kind == "aws" else control)(*words), default=str), flush=True)
