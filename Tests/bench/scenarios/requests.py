"""Requests of 1-2 KB: CPU, latency, TLS to the upstream."""

import documents
import proxies
from lab import site
from measure import Target, microseconds, median, ratios, rounds
from report import Figure

from . import setup


def compare(lab, report, settings, targets, body, name, must, reach, connections=(16, 64)):
    for count in connections:
        results = rounds(lab, settings.rounds, targets, body, connections=count, seconds=settings.seconds, warm=0.3)
        report.add(Figure(
            f"{name}, {count} connections", "x nginx", ratios(results, "gateway", "nginx"), must, reach,
            microseconds(results, "gateway", "nginx")
            + f"; {median(results, 'gateway', 'requests') / settings.seconds:,.0f} / "
              f"{median(results, 'nginx', 'requests') / settings.seconds:,.0f} per second"))


def plain(lab, report, settings):
    upstream = lab.upstream(setup.answers())
    body = lab.file("plain.json", documents.chat_request())
    compare(lab, report, settings, setup.pair(lab, upstream, "/plain"), body, "CPU of a request, 1.5 KB", 1.25, 1.0)


def events(lab, report, settings):
    upstream = lab.upstream(setup.answers())
    body = lab.file("stream.json", documents.chat_request(True))
    compare(lab, report, settings, setup.pair(lab, upstream, "/stream"), body, "CPU of an answer of 33 events at once", None, None)


def tls(lab, report, settings):
    upstream, certificate = proxies.tls_upstream(lab, documents.chat_answer())
    body = lab.file("plain.json", documents.chat_request())
    port, process = setup.gateway(lab, "gateway-tls", [site("alpha", f"https://localhost:{upstream}")],
                                  environment={"SSL_CERT_FILE": str(certificate)})
    nginx_port, nginx = proxies.proxy(lab, upstream, scheme="https", name="proxy-tls")
    targets = [Target("gateway", process, port, setup.CHAT), Target("nginx", nginx, nginx_port, setup.CHAT)]
    compare(lab, report, settings, targets, body, "CPU of a request, TLS to the upstream", 1.15, 0.9)


def latency(lab, report, settings):
    upstream = lab.upstream(setup.answers())
    body = lab.file("plain.json", documents.chat_request())
    targets = [*setup.pair(lab, upstream, "/plain"), setup.direct(upstream, "/plain")]
    results = rounds(lab, settings.rounds, targets, body, connections=1, seconds=settings.seconds, warm=0.3)
    for key in ("p50", "p99"):
        added = [(found["gateway"][key] - found["direct"][key]) / max(1, found["nginx"][key] - found["direct"][key])
                 for found in results]
        detail = " / ".join(f"{median(results, name, key):.0f}" for name in ("gateway", "nginx", "direct"))
        report.add(Figure(f"latency added at one connection, {key}", "x nginx's own", added, 2, 1.2,
                          f"{detail} us with the gateway / nginx / neither"))
