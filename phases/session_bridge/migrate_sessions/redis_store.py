"""Redis, seen from the bridge: a few operations that either work within their timeouts or raise `StoreAway`."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .breaker import Breaker
from .errors import StoreAway
from .metrics import Metrics
from .settings import Settings

T = TypeVar("T")


def client(settings: Settings) -> Any:
    """A client that connects when first used, never waits longer than told, and leaves repeating to the breaker."""
    address = settings.redis
    options: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "db": address.database,
        "username": address.username,
        "password": address.password.reveal() if address.password else None,
        "socket_connect_timeout": settings.connect_timeout,
        "socket_timeout": settings.answer_timeout,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
    if address.tls:
        options.update(ssl=True, ssl_cert_reqs="required", ssl_check_hostname=True, ssl_ca_certs=address.ca_file)
    return redis.Redis(**options)


class RedisStore:
    """Bytes by key, behind the circuit breaker."""

    def __init__(self, connection: Any, breaker: Breaker, metrics: Metrics) -> None:
        self._connection = connection
        self._breaker = breaker
        self._metrics = metrics

    def get(self, key: str) -> Optional[bytes]:
        """The value, or None."""
        value: Optional[bytes] = self._call(lambda: self._connection.get(key))
        self._metrics.count("bytes_read", len(value or b""))
        return value

    def put(self, key: str, value: bytes, seconds: int, only_if: Optional[str] = None) -> bool:
        """Sets a value that ends after `seconds` (never when 0), perhaps only if the key is `absent` or `present`."""
        done = self._call(
            lambda: self._connection.set(
                key, value, ex=seconds or None, nx=only_if == "absent", xx=only_if == "present"
            )
        )
        if done:
            self._metrics.count("bytes_written", len(value))
        return bool(done)

    def extend(self, key: str, seconds: int) -> bool:
        """Lets a value end after `seconds` from now; whether there is one."""
        return bool(self._call(lambda: self._connection.expire(key, seconds)))

    def _call(self, operation: Callable[[], T]) -> T:
        if not self._breaker.allows():
            raise StoreAway("the circuit is open")
        try:
            result = operation()
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
            self._breaker.failed()
            raise StoreAway(type(error).__name__) from None
        except redis.exceptions.RedisError as error:
            # It answered, though not as asked: read-only after a failover, out of memory, a key of another kind.
            self._breaker.succeeded()
            raise StoreAway(type(error).__name__) from None
        except BaseException:
            # Such as gunicorn's timeout for the worker. It says nothing good about Redis.
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return result
