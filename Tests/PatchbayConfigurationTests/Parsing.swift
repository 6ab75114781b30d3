import PatchbayConfiguration
import PatchbayCore

/// Parses a text as the file `patchbay.yaml`.
func parse(_ text: String, _ environment: [String: String] = [:]) throws(ConfigurationError) -> Configuration {
    try ConfigurationFile.parse(Array(text.utf8), file: "patchbay.yaml", environment: environment)
}

/// What is printed for a text that is refused; empty if it is accepted.
func complaint(_ text: String, _ environment: [String: String] = [:]) -> String {
    do throws(ConfigurationError) {
        _ = try parse(text, environment)
        return ""
    } catch {
        return error.description
    }
}

let example = """
    gateway: { listen: 127.0.0.1:4000 }
    admin: { listen: 127.0.0.1:4001, token: "${PATCHBAY_ADMIN_TOKEN}" }
    egress: { allow: ["127.0.0.0/8"] }            # private and loopback upstreams are refused unless listed
    prices: { gpt-4o-mini: { input: 0.15, output: 0.60, cached_input: 0.075 } }   # USD per million tokens
    sites:
      - name: alpha
        platform: openai                           # plugin id
        base_url: http://127.0.0.1:9001
        formats: [openai.chat]                     # what it speaks; default from the plugin
        accounts:
          - name: main
            credential: { kind: api_key, api_key: sk-upstream-1 }
            models: [gpt-4o-mini, { upstream: gpt-4o-2024-08-06, as: gpt-4o }]   # omitted: discovered
    keys:
      - { name: dev, key: sk-client-1, models: ["*"] }
    routes:
      - { model: gpt-4o-mini, channels: [ { site: alpha, account: main, priority: 0, weight: 10 } ] }
    """
