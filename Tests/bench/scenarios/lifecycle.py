"""Start and reload."""

import http.client
import shutil
import signal
import threading
import time

import documents
from lab import KEY, configuration, free_port, site
from report import Figure

from . import setup

SITES, MODELS, KEYS = 40, 2000, 10_000


def big_configuration(port, upstream, models=MODELS):
    each = models // SITES
    sites = [site(f"site-{number:02}", f"http://127.0.0.1:{upstream}/plain",
                  models=[f"model-{number * each + index}" for index in range(each)]) for number in range(SITES)]
    keys = "".join(f'\n  - {{ name: key-{number}, key: sk-bench-{number:08}, models: ["model-*"] }}' for number in range(KEYS))
    return configuration(port, sites, keys=keys)


def is_answered(port, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", setup.CHAT, body, {"authorization": f"Bearer {KEY}", "content-type": "application/json"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def start(lab, report, settings):
    """From exec to the first request answered by an upstream."""
    upstream = lab.upstream(setup.answers())
    body = documents.chat_request(model=f"model-{MODELS - 1}")
    fresh, again = [], []
    for _ in range(settings.rounds):
        directory = lab.directory("start/data")
        for values in (fresh, again):
            port = free_port()
            path = lab.file("start/patchbay.yaml", big_configuration(port, upstream))
            begin = time.monotonic()
            process = lab.start([lab.binary, "serve", "--config", path, "--data", directory], "start")
            while not is_answered(port, body):
                if process.poll() is not None or time.monotonic() > begin + 60:
                    raise SystemExit((lab.work / "start.log").read_text()[-2000:])
                time.sleep(0.002)
            values.append((time.monotonic() - begin) * 1000)
            lab.end(process)
        shutil.rmtree(directory)
    report.add(Figure(f"start to the first answer, {SITES} sites, {MODELS:,} models, {KEYS:,} keys, empty store", "ms", fresh, 400,
                      100))
    report.add(Figure("the same with the store of an earlier run", "ms", again, 400, 100))


def catches_hangup(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("SigCgt:"):
            return int(line.split()[1], 16) >> (signal.SIGHUP - 1) & 1
    return False


def reload(lab, report, settings):
    """A model is added to the file and SIGHUP sent, under load."""
    upstream = lab.upstream(setup.answers())
    port = free_port()

    def text(models):
        return configuration(port, [site("alpha", f"http://127.0.0.1:{upstream}/plain", models=["bench-model", *models])])

    process = lab.gateway("reload", text([]), port)
    visible, dropped = Figure("a changed configuration is in force", "ms", must=1000, reach=100), \
        Figure("requests dropped while reloading under load", "requests", must=0, reach=0)
    if not catches_hangup(process.pid):
        visible.skipped = dropped.skipped = "this build does not reload on SIGHUP"
    else:
        body, failures = lab.file("plain.json", documents.chat_request()), []
        load = threading.Thread(target=lambda: failures.append(
            lab.load(port, setup.CHAT, body, connections=16, seconds=2 + 1.5 * settings.rounds)))
        load.start()
        time.sleep(1)
        for number in range(settings.rounds):
            model = f"new-model-{number}"
            lab.file("reload/patchbay.yaml", text([f"new-model-{known}" for known in range(number + 1)]))
            begin = time.monotonic()
            process.send_signal(signal.SIGHUP)
            while not is_answered(port, documents.chat_request(model=model)):
                if time.monotonic() > begin + 10:
                    raise SystemExit("the changed configuration never came into force")
                time.sleep(0.002)
            visible.values.append((time.monotonic() - begin) * 1000)
            time.sleep(0.5)
        load.join()
        dropped.values.append(failures[0]["failed"] + failures[0]["bad"])
        dropped.detail = f"of {failures[0]['requests']:,}"
    report.add(visible)
    report.add(dropped)
