"""nginx as the yardstick: the same proxying as the gateway's, and an upstream with TLS."""

import subprocess

from lab import free_port, wait_for


def start_nginx(lab, name, port, servers, workers=1):
    """nginx with one `http` block; gives its process when it listens."""
    body_buffer = "32m"  # bodies stay in memory, which is kinder to nginx than files
    conf = lab.file(f"{name}.conf", f"""
daemon off; worker_processes {workers}; pid {lab.work}/{name}.pid; error_log {lab.work}/{name}-error.log error;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  client_max_body_size 64m; client_body_buffer_size {body_buffer}; client_body_temp_path {lab.work}/body-{name};
  proxy_temp_path {lab.work}/proxy-{name}; fastcgi_temp_path {lab.work}/f-{name}; uwsgi_temp_path {lab.work}/u-{name};
  scgi_temp_path {lab.work}/s-{name};
  {servers}
}}""")
    process = lab.start(["nginx", "-p", lab.work, "-c", conf, "-e", lab.work / f"{name}-error.log"], name)
    wait_for(port, process)
    return process


def proxy(lab, upstream, *, scheme="http", workers=1, name="proxy"):
    """A proxy with kept-alive upstream connections that forwards every path and sets the upstream's key."""
    port = free_port()
    return port, start_nginx(lab, name, port, f"""
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer sk-upstream"; proxy_set_header Host localhost; proxy_buffering off;
    proxy_ssl_session_reuse on; proxy_ssl_server_name on; proxy_ssl_name localhost; proxy_read_timeout 300s;
    location / {{ proxy_pass {scheme}://up; }} }}""", workers)


def certificate(lab):
    """A self-signed certificate for localhost; gives the paths of certificate and key."""
    certificate, key = lab.work / "tls.crt", lab.work / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    return certificate, key


def tls_upstream(lab, answer):
    """nginx that answers everything with a constant over TLS; gives its port and the certificate."""
    crt, key = certificate(lab)
    port = free_port()
    start_nginx(lab, "tls-upstream", port, f"""
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {crt}; ssl_certificate_key {key};
    location / {{ default_type application/json; {constant("answer", answer)} }} }}""")
    return port, crt


def constant(name, text, size=2000):
    """nginx directives that answer with a text; one parameter holds less than 4 KiB."""
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    pieces = [text[start:start + size] for start in range(0, len(text), size)]
    lines = [f"set ${name}{index} '{piece}';" for index, piece in enumerate(pieces)]
    return " ".join([*lines, 'return 200 "' + "".join(f"${name}{index}" for index in range(len(pieces))) + '";'])
