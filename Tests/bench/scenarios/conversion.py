"""What converting costs beside forwarding in the client's own format."""

import documents
from lab import site
from measure import Target, median, rounds
from report import Figure

from . import setup


def premium(lab, report, settings):
    upstream = lab.upstream(setup.answers())

    def gateway(name, prefix, path, is_anthropic):
        options = {"platform": "anthropic", "formats": ("anthropic.messages",)} if is_anthropic else {}
        port, process = setup.gateway(lab, name, [site("alpha", f"http://127.0.0.1:{upstream}/{prefix}", **options)])
        return Target(name, process, port, path)

    for stream in (False, True):
        kind = "stream" if stream else "plain"
        chat = lab.file(f"chat-{kind}.json", documents.chat_request(stream))
        messages = lab.file(f"messages-{kind}.json", documents.messages_request(stream))
        targets = [gateway(f"chat-{kind}", kind, setup.CHAT, False),
                   gateway(f"chat-to-messages-{kind}", f"messages-{kind}", setup.CHAT, True),
                   gateway(f"messages-{kind}", f"messages-{kind}", setup.MESSAGES, True),
                   gateway(f"messages-to-chat-{kind}", kind, setup.MESSAGES, False)]
        bodies = {target.name: messages if target.path == setup.MESSAGES else chat for target in targets}
        results = rounds(lab, settings.rounds, targets, bodies, connections=16, seconds=settings.seconds, warm=0.3)
        for same, converted in ((targets[0], targets[1]), (targets[2], targets[3])):
            values = [(found[converted.name]["cpu_us"] / found[same.name]["cpu_us"] - 1) * 100 for found in results]
            report.add(Figure(
                f"conversion, {converted.name.removesuffix('-' + kind).replace('-', ' ')}, "
                + ("33 events" if stream else "no stream"), "% more CPU", values, 50, 15,
                f"{median(results, converted.name, 'cpu_us'):.1f} / {median(results, same.name, 'cpu_us'):.1f} us"))
        for target in targets:
            lab.end(target.process)
