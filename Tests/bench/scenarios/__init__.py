"""What is measured. Each scenario takes the laboratory, the report and the settings of the run."""

from . import bodies, conversion, formats, lifecycle, peers, requests, streams

# name -> (what it shows, function), in the order of the table
SCENARIOS = {
    "plain": ("CPU of a request of 1-2 KB", requests.plain),
    "tls": ("the same over TLS to the upstream", requests.tls),
    "latency": ("what the gateway adds to one request at a time", requests.latency),
    "events": ("CPU of a streamed answer of 33 events that comes at once", requests.events),
    "chunks": ("CPU of a chunk at 500 paced streams", streams.chunks),
    "streams": ("2,000 and 5,000 paced streams at once", streams.concurrent),
    "idle": ("memory of an idle stream", streams.idle),
    "large": ("bodies of 300 KB, 3 MB and 20 MB", bodies.large),
    "memory": ("resident memory idle and after a burst", bodies.memory),
    "start": ("start to ready with 40 sites, 2,000 models, 10,000 keys", lifecycle.start),
    "conversion": ("premium of converting between chat and messages", conversion.premium),
    "formats": ("the byte formats and the format plugins alone", formats.bytes_and_codecs),
    "reload": ("a changed configuration under load", lifecycle.reload),
}
# Not part of a run that names no scenario.
EXTRAS = {"peers": ("LiteLLM from PyPI in the same run", peers.peers)}
