import PatchbayPlugin
import PatchbayWire

extension PlatformNewAPI {
    /// Looks at what the site says without a login.
    @Sendable func detect(_ call: Call) async throws -> Detection {
        let dashboard = dashboard(call)
        let response = try await dashboard.send("GET", "/api/status")
        let status: SiteStatus
        do throws(PluginError) {
            let reply = try SiteReply(response)
            guard reply.data.objectValue != nil else { return Detection(matches: false) }
            status = SiteStatus(reply.data)
        } catch {
            switch error.code {
            case .protocolViolation, .unsupported, .invalid, .auth, .denied: return Detection(matches: false)
            default: throw error
            }
        }
        guard status.platform == .newAPI else {
            let platform = status.platform == .unknown ? nil : status.platform.rawValue
            return Detection(
                matches: status.platform == .unknown, confidence: status.platform == .unknown ? 0.3 : 0,
                platform: platform, version: status.version, title: status.title)
        }
        let probe = try await dashboard.send("GET", "/api/user/self")
        return Detection(
            matches: true, confidence: 0.9, platform: status.platform.rawValue, version: status.version,
            title: status.title, era: Self.era(status: status, probe: probe), features: status.features,
            settings: [
                "quota_per_usd": String(status.quotaPerUSD), "turnstile": status.wantsTurnstile ? "true" : "false",
            ])
    }

    /// Era C refuses a request without a credential with a code; the older eras have none.
    static func era(status: SiteStatus, probe: HTTPResponse) -> String {
        let code = (try? JSONValue(parsing: probe.body))?["code"]?.stringValue
        if code?.hasPrefix("AUTH_") == true { return "c" }
        return status.isAfterEraA ? "b" : "a"
    }

    /// Does the credential work? Asks for the models, which costs nothing.
    @Sendable func test(_ arguments: TestArguments, _ call: Call) async throws -> TestResult {
        do {
            let list = try await models(call)
            if let model = arguments.model, !list.models.contains(where: { $0.id == model }) {
                return TestResult(
                    ok: false, message: "The site does not offer the model \(model).", models: list.models.count)
            }
            return TestResult(ok: true, message: "The credential works.", models: list.models.count)
        } catch let error as PluginError where error.code == .auth || error.code == .denied {
            return TestResult(ok: false, message: error.message)
        }
    }
}
