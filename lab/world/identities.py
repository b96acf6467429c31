"""Everything secret or signed that one lab has: made new at every `up`, gone with its directory."""

from __future__ import annotations

import secrets
from pathlib import Path

from world import addresses
from world.network import run


def ssh_key(file: Path, comment: str) -> str:
    """Makes a key pair and returns its public half."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file))
    return file.with_suffix(".pub").read_text().strip()


def redis_certificates(directory: Path) -> None:
    """A certificate authority, and a certificate for the store's name: ca.pem, redis.pem, redis.key."""
    directory.mkdir(parents=True)
    ca_key, ca = directory / "ca.key", directory / "ca.pem"
    run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=lab certificate authority",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        str(ca_key),
        "-out",
        str(ca),
    )
    request, extensions = directory / "redis.csr", directory / "redis.ext"
    run(
        "openssl",
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        f"/CN={addresses.REDIS_NAME}",
        "-keyout",
        str(directory / "redis.key"),
        "-out",
        str(request),
    )
    extensions.write_text(
        f"subjectAltName=DNS:{addresses.REDIS_NAME}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
    )
    run(
        "openssl",
        "x509",
        "-req",
        "-in",
        str(request),
        "-CA",
        str(ca),
        "-CAkey",
        str(ca_key),
        "-days",
        "30",
        "-set_serial",
        "1",
        "-extfile",
        str(extensions),
        "-out",
        str(directory / "redis.pem"),
    )


def auth_token() -> str:
    """A password ElastiCache accepts: 16 to 128 printable characters, no slash, at sign, quotation mark or space."""
    return secrets.token_hex(24)
