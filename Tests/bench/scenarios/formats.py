"""The byte formats and the format plugins alone, without sockets: microseconds of CPU time and ratios to memchr and memcpy."""

import os
import subprocess

import documents
from lab import HERE, ROOT
from report import Figure

# figure -> most microseconds
LIMITS = {
    "chat body: scan 4 fields": 1.5,
    "text: scan 4 fields": 150,
    "base64 image: scan 4 fields": 10,
    "request of 2 KB, chat to messages": 15,
    "request of 2 KB, messages to chat": 15,
    "stream event, chat to messages": 1,
    "stream event, messages to chat": 1,
}
NAMES = {"chat body": "2 KB", "text": "200 KB of text", "base64 image": "200 KB of a base64 image"}


def bytes_and_codecs(lab, report, settings):
    lines = subprocess.run([HERE / "wire/run.sh", "--lines"], capture_output=True, text=True, check=True).stdout.splitlines()
    lines = [line for line in lines if ": tree" not in line and ": write" not in line]
    for line in lines + codec_lines(lab):
        name, time, search, copy = line.split("\t")
        kept = name.endswith("bytes kept for each event")
        document, _, what = name.partition(": ")
        report.add(Figure(
            f"{NAMES[document]}: {what}" if document in NAMES else name, "bytes" if kept else "us", [float(time)],
            1 if kept else LIMITS.get(name), 0 if kept else None,
            "" if kept else f"{search} x memchr, {copy} x memcpy"))


def codec_lines(lab):
    tool = lab.work / "tools/codec"
    subprocess.run(["cc", "-O2", "-I", ROOT / "sdk/include", "-o", tool, HERE / "tools/codec.c", "-ldl"], check=True)
    plugins = [lab.binary.parent / f"libformat-{name}.so" for name in ("openai-chat", "anthropic-messages")]
    files = [lab.file(name, text) for name, text in (
        ("chat.json", documents.chat_request(size=1900)), ("messages.json", documents.messages_request(size=1900)),
        ("chat.sse", documents.chat_stream(100)), ("messages.sse", documents.messages_stream(100)))]
    environment = dict(os.environ)
    runtime = subprocess.run(["sh", "-c", "dirname \"$(dirname \"$(readlink -f \"$(command -v swiftc)\")\")\""],
                             capture_output=True, text=True).stdout.strip()
    environment["LD_LIBRARY_PATH"] = f"{runtime}/lib/swift/linux:" + environment.get("LD_LIBRARY_PATH", "")
    return subprocess.run([tool, *plugins, *files], capture_output=True, text=True, check=True,
                          env=environment).stdout.splitlines()
