"""Writes the configuration of a large installation: by default 40 sites, 2,000 models and 10,000 keys."""

import argparse
import hashlib
import sys

#: A model is served by so many sites.
REPLICAS = 2


def key_text(number):
    """The client key of a number; the same in every run."""
    return "sk-fleet-" + hashlib.sha256(f"key {number}".encode()).hexdigest()[:40]


def model_name(number):
    families = ("gpt-5", "claude-sonnet-5", "gemini-3-pro", "qwen4-coder", "deepseek-v4", "llama-5-70b")
    return f"{families[number % len(families)]}-{number:04d}"


def site_models(site, sites, models):
    """The numbers of the models that a site serves."""
    return [number for number in range(models) if site in {(number + step) % sites for step in range(REPLICAS)}]


def keys(count):
    for number in range(count):
        # Most people let a key use everything; some name families.
        models = '["*"]' if number % 10 else '["gpt-5*", "claude-*"]'
        yield (f"  - {{ name: team-{number:05d}, key: {key_text(number)}, models: {models}, "
               f"group: group-{number % 20} }}")


def sites(count, models, upstream):
    for site in range(count):
        lines = [f"  - name: site-{site:02d}", f"    platform: {'openai' if site % 4 else 'new-api'}",
                 f"    base_url: {upstream}/site-{site:02d}", "    accounts:", "      - name: main",
                 f"        credential: {{ kind: api_key, api_key: sk-upstream-{site:04d}-abcdefgh }}", "        models:"]
        for number in site_models(site, count, models):
            name = model_name(number)
            lines.append(f"          - {name}" if number % 4 else
                         f"          - {{ upstream: vendor/{name}, as: {name} }}")
        yield "\n".join(lines)


def configuration(site_count=40, model_count=2000, key_count=10_000, listen="127.0.0.1:0", admin="127.0.0.1:0",
                  upstream="http://127.0.0.1:9", admin_token="fleet-admin-token", definitions=True):
    lines = [f'gateway: {{ listen: "{listen}" }}', f'admin: {{ listen: "{admin}", token: {admin_token} }}',
             'egress: { allow: ["127.0.0.0/8"] }']
    if definitions:
        lines.append("prices:")
        lines += [f"  {model_name(number)}: {{ input: 1.25, output: 10, cached_input: 0.125 }}"
                  for number in range(0, model_count, 4)]
        lines.append("sites:")
        lines += sites(site_count, model_count, upstream)
        lines.append("keys:")
        lines += keys(key_count)
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=40)
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--admin-listen", default="127.0.0.1:0")
    arguments = parser.parse_args()
    sys.stdout.write(configuration(
        arguments.sites, arguments.models, arguments.keys, arguments.listen, arguments.admin_listen))


if __name__ == "__main__":
    main()
