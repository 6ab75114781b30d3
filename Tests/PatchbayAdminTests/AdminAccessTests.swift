import PatchbayCore
import PatchbayWire
import Synchronization
import Testing

@testable import PatchbayAdmin

@Suite struct AdminAccessTests {
    private static let open: Set<String> = [
        "/healthz", "/readyz", "/health/liveliness", "/health/liveness", "/health/readiness",
    ]

    @Test func everyRouteButHealthNeedsTheToken() async {
        let client = AdminClient(metricsAreOpen: false)
        #expect(client.service.matcher.routes.count > 30)
        for route in client.service.matcher.routes {
            for authorization in [
                nil, "", "Bearer", "Bearer ", "Bearer wrong", "Basic \(AdminClient.token)", AdminClient.token,
            ] {
                let answer = await client.send(
                    route.method.rawValue, route.path.replacing("{id}", with: "filed"), authorization: authorization)
                #expect((answer.status != 401) == Self.open.contains(route.path), "\(route.method) \(route.path)")
            }
        }
    }

    @Test func unauthorizedAnswerSaysHowAndNothingElse() async {
        let client = AdminClient()
        let answers = [
            await client.send("GET", "/api/v1/sites", authorization: nil),
            await client.send("GET", "/no/such/path", authorization: nil),
            await client.send("PUT", "/api/v1/sites", authorization: nil),
        ]
        for answer in answers {
            #expect(answer.status == 401)
            #expect(answer.headers.contains { $0.name == "www-authenticate" && $0.value == "Bearer" })
            #expect(answer.problem.hasPrefix("unauthorized - The header 'Authorization: Bearer TOKEN'"))
        }
    }

    @Test func schemeIsTakenInAnyCase() async {
        let client = AdminClient()
        for scheme in ["Bearer", "bearer", "BEARER"] {
            #expect(
                await client.send("GET", "/api/v1/sites", authorization: "\(scheme) \(AdminClient.token)").status == 200
            )
        }
    }

    @Test func metricsAreOpenOnlyWhereTheListenerAllowsIt() async {
        let (open, closed) = (AdminClient(metricsAreOpen: true), AdminClient(metricsAreOpen: false))
        #expect(await open.send("GET", "/metrics", authorization: nil).text == "# TYPE up gauge\nup 1\n")
        #expect(await closed.send("GET", "/metrics", authorization: nil).status == 401)
        let answer = await closed.send("GET", "/metrics")
        #expect(answer.status == 200 && answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
    }

    @Test func healthSaysWhatIsWrong() async {
        let client = AdminClient()
        for path in Self.open {
            #expect(await client.send("GET", path + "?x=1", authorization: nil).status == 200, "\(path)")
        }
        client.backend.state.withLock { $0.obstacles = ["The store is closed."] }
        for path in ["/readyz", "/health/readiness"] {
            let answer = await client.send("GET", path, authorization: nil)
            #expect(answer.status == 503)
            #expect(answer.document == ["status": "unavailable", "reasons": ["The store is closed."]])
        }
        #expect(await client.send("GET", "/healthz", authorization: nil).status == 200)
    }

    @Test func unknownPathAndMethodAreNamed() async {
        let client = AdminClient()
        for path in ["/", "/api/v1", "/api/v1/nothing", "/api/v1/sites/", "/api/v1/%zz", "/api/v2/sites"] {
            #expect(await client.send("GET", path).status == 404, "\(path)")
        }
        let answer = await client.send("PUT", "/api/v1/sites")
        #expect(answer.status == 405 && answer.headers.contains { $0.name == "allow" && $0.value == "GET, POST" })
        #expect(await client.send("HEAD", "/api/v1/sites").status == 200)
    }

    @Test func internalErrorsTellNothing() async {
        let client = AdminClient()
        let answer = await client.send("POST", "/api/v1/explain", #"{"model":"broken"}"#)
        #expect(answer.status == 500)
        #expect(answer.problem == "internal_error - Something went wrong inside the gateway; its log says what.")
    }

    @Test func storeThatIsDownIsUnavailable() async {
        let client = AdminClient()
        client.backend.state.withLock { $0.failure = AdminError(.unavailable, "The store is closed.") }
        #expect(await client.send("GET", "/api/v1/sites").problem == "unavailable - The store is closed.")
        #expect(await client.send("GET", "/api/v1/sites").status == 503)
    }
}

@Suite struct RouteMatcherTests {
    @Test func idsMayBeEncodedOrNested() async {
        let client = AdminClient()
        for path in [
            "/api/v1/tokens/filed/main/t", "/api/v1/tokens/filed%2Fmain%2Ft", "/api/v1/tokens/filed%2fmain/%74",
        ] {
            #expect(await client.send("GET", path).document["id"] == "filed/main/t", "\(path)")
        }
    }

    @Test(arguments: [
        ("a%20b", "a b"), ("%E2%82%AC", "€"), ("a+b", "a+b"), ("%2", nil), ("%zz", nil), ("%ff", nil), ("%00", nil),
        ("", ""),
    ])
    func percentEncoding(text: String, decoded: String?) {
        #expect(PercentEncoding.decode(Substring(text)) == decoded)
    }

    @Test func queryIsDecoded() {
        let pairs = PercentEncoding.pairs(of: "a=1&b=x+y%26&c&&d=")
        #expect(pairs?.map(\.name) == ["a", "b", "c", "d"] && pairs?.map(\.value) == ["1", "x y&", "", ""])
        #expect(PercentEncoding.pairs(of: "a=%") == nil)
    }
}
