"""python -m cloud DIRECTORY: the cloud of one lab, inside the lab's network."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from pathlib import Path

from cloud.control import Control
from cloud.ec2 import Ec2
from cloud.elasticache import ElastiCache
from cloud.faults import Faults
from cloud.firewall import Firewall
from cloud.load_balancer import LoadBalancer
from cloud.permissions import Permissions
from cloud.redis_node import RedisNode
from cloud.routes import Routes
from cloud.scaling import Scaling
from cloud.seed import security_groups, seed
from cloud.server import Handler, Proxy, Server
from cloud.settings import Settings
from cloud.upstream import Upstream
from world import addresses


def write_environment(directory: Path, credentials: dict[str, str]) -> None:
    """The file that `lab enter` applies: how an SDK finds this cloud."""
    values = {
        "AWS_ENDPOINT_URL": f"http://{addresses.CLOUD}:{addresses.CLOUD_PORT}",
        "AWS_REGION": addresses.REGION,
        "AWS_DEFAULT_REGION": addresses.REGION,
        **credentials,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Nobody's own profile may leak into the lab.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    file = directory / "env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def tick_for_ever(*parts: ElastiCache | LoadBalancer) -> None:
    """Time passes for the replication groups and the targets."""
    while True:
        try:
            for part in parts:
                part.tick()
        except Exception:  # One failed step must not stop the clock; the log has it.
            traceback.print_exc()
        time.sleep(0.1)


def main() -> None:
    """Starts the stand-in, fills it, and serves."""
    directory = Path(sys.argv[1])
    os.umask(0o022)
    settings, faults = Settings(), Faults()
    upstream = Upstream(directory)
    permissions = Permissions(upstream, faults)
    write_environment(directory, seed(upstream, permissions))
    firewall = Firewall(directory / "state", upstream)
    cache = ElastiCache(upstream, RedisNode(directory), firewall, settings)
    balancer, routes = LoadBalancer(directory, upstream), Routes(directory / "state")
    control = Control(upstream, faults, permissions, cache, settings, routes, security_groups(upstream))
    ec2 = Ec2(upstream, cache, permissions)
    Handler.proxy = Proxy(upstream, faults, permissions, ec2, cache, balancer, Scaling(upstream), control)
    control.proxy = Handler.proxy
    threading.Thread(target=tick_for_ever, args=(cache, balancer), daemon=True).start()
    Server((addresses.CLOUD, addresses.CLOUD_PORT), Handler).serve_forever()


main()
