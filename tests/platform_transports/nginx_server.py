"""nginx on loopback, as Debian has it, with a port for HTTP and one for TLS. Found on the PATH, or where Debian puts it."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from platform_transports.conformance.certificates import authority

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{secure_port} ssl;
        ssl_certificate {directory}/server.pem;
        ssl_certificate_key {directory}/server.pem;
        client_max_body_size 100m;
        location /kept {{ return 200 "$connection $connection_requests $http_x_request_id"; }}
        location /few {{ keepalive_requests 3; return 200 "$connection $connection_requests $http_x_request_id"; }}
        location /brief {{ keepalive_timeout 3ms; return 200 "$connection $connection_requests $http_x_request_id"; }}
        location /last {{ keepalive_timeout 0; return 200 "$connection $connection_requests $http_x_request_id"; }}
        location /small {{ client_max_body_size 1m; return 200 "never said"; }}
    }}
}}
"""


class Nginx(NamedTuple):
    """A running one."""

    url: str
    secure_url: str
    pid: int

    def reload(self) -> None:
        """Let it take new workers, and close the connections of the old ones as soon as nothing is under way on them."""
        os.kill(self.pid, signal.SIGHUP)


@contextmanager
def nginx(directory: Path) -> Generator[Nginx]:
    """Run one whose files are in this directory."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, "nginx is not installed: apt-get install nginx-light"
    port, secure_port = _free_ports()
    authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(directory / "server.pem")
    configuration = directory / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(directory=directory, port=port, secure_port=secure_port), encoding="utf-8")
    with subprocess.Popen([found, "-e", "stderr", "-p", str(directory), "-c", str(configuration)]) as process:
        try:
            _wait_until_it_listens(process, port)
            yield Nginx(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{secure_port}", process.pid)
        finally:
            process.terminate()


def _free_ports() -> list[int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return [each.getsockname()[1] for each in (first, second)]


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    """Nothing tells us: it is asked again and again, until it answers or has ended."""
    while True:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            code = process.wait(0.01)
        except subprocess.TimeoutExpired:
            continue
        message = f"nginx ended with {code}"
        raise RuntimeError(message)
