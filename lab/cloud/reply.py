"""Replies, in the three dialects the services speak: EC2, the query protocol, and JSON."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape


@dataclass
class Reply:
    """What goes back to the caller. `dropped` means: nothing does, the connection is closed."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    dropped: bool = False

    @property
    def code(self) -> str:
        """The error code, or `ok`."""
        if self.status < 300:
            return "ok"
        found = re.search(rb"<Code>([^<]+)</Code>", self.body) or re.search(rb'"__type":\s*"([^"]+)"', self.body)
        return found.group(1).decode() if found else str(self.status)

    def edit(self, change: Callable[[str], str]) -> None:
        """Replaces the text of a reply."""
        self.body = change(self.body.decode()).encode()


def error(service: str, status: int, code: str, message: str) -> Reply:
    """An error as this service would word it."""
    request = str(uuid.uuid4())
    if service == "secretsmanager":
        return Reply(
            status,
            json.dumps({"__type": code, "Message": message}).encode(),
            [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", request)],
        )
    if service == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{request}</RequestID></Response>"
        )
    else:
        side = "Sender" if status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
            f"</Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
    return Reply(status, b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode(), [("Content-Type", "text/xml")])


def throttled(service: str) -> Reply:
    """Too many requests, in the service's own words."""
    if service == "ec2":
        return error(service, 503, "RequestLimitExceeded", "Request limit exceeded.")
    code = "ThrottlingException" if service == "secretsmanager" else "Throttling"
    return error(service, 400, code, "Rate exceeded")


def denied(service: str, action: str, arn: str) -> Reply:
    """Not allowed, in the service's own words."""
    if service == "ec2":
        return error(
            service,
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. "
            f"User: {arn} is not authorized to perform: ec2:{action} because no identity-based policy "
            f"allows the ec2:{action} action",
        )
    message = (
        f"User: {arn} is not authorized to perform: {service}:{action} because no identity-based policy allows "
        f"the {service}:{action} action"
    )
    if service == "secretsmanager":
        return error(service, 400, "AccessDeniedException", message)
    return error(service, 403, "AccessDenied", message)
