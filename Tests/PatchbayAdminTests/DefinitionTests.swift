import PatchbayCore
import PatchbayWire
import Synchronization
import Testing

@testable import PatchbayAdmin

@Suite struct DefinitionTests {
    private let client = AdminClient()

    private func create(_ resource: String, _ body: String) async -> AdminAnswer {
        let answer = await client.send("POST", "/api/v1/\(resource)", body)
        #expect(answer.status == 201, "\(answer.text)")
        return answer
    }

    /// A site with an account and a token in the store.
    private func fill() async {
        _ = await create("sites", #"{"name":"beta","platform":"openai","base_url":"https://b.example/v1/"}"#)
        _ = await create(
            "accounts",
            #"{"site":"beta","name":"main","credential":{"kind":"api_key","api_key":"sk-very-secret-1"},"models":["m",{"upstream":"u","as":"n"}]}"#
        )
        _ = await create("tokens", #"{"site":"beta","account":"main","name":"one","key":"sk-very-secret-2"}"#)
    }

    @Test func siteLivesAndDies() async {
        let created = await create(
            "sites",
            #"{"name":"beta","platform":"new-api","base_url":"https://b.example/","formats":["openai.chat"],"headers":[{"name":"X-A","value":"very-secret"}],"plugin_configuration":{"era":"new","n":[1]}}"#
        )
        let expected: JSONValue = [
            "id": "beta", "name": "beta", "platform": "new-api", "base_url": "https://b.example",
            "formats": ["openai.chat"],
            "headers": [["name": "X-A", "has_secret": true]], "plugin_configuration": ["era": "new", "n": [1]],
            "conversion": .emptyObject, "enabled": true, "accounts": 0, "timeouts": .emptyObject,
            "limits": .emptyObject, "retry": .emptyObject,
            "max_concurrency": .null, "queue": .emptyObject, "pool": .emptyObject, "source": "store",
            "read_only": false,
        ]
        #expect(created.document == expected)
        #expect(await client.send("GET", "/api/v1/sites/beta").document == expected)
        let changed = await client.send(
            "PATCH", "/api/v1/sites/beta", #"{"enabled":false,"headers":[{"name":"x-a"},{"name":"x-b","value":"v"}]}"#)
        #expect(changed.document["enabled"] == false && changed.document["headers"]?.arrayValue?.count == 2)
        let headers = client.backend.state.withLock { $0.configuration.sites.first { $0.name == "beta" }?.headers }
        #expect(headers?.map { $0.value.reveal() } == ["very-secret", "v"])
        let gone = await client.send("DELETE", "/api/v1/sites/beta")
        #expect(gone.status == 204 && gone.body.isEmpty)
        #expect(await client.send("GET", "/api/v1/sites/beta").problem == "not_found - There is no site 'beta'.")
    }

    @Test func accountLivesAndDies() async {
        await fill()
        let read = await client.send("GET", "/api/v1/accounts/beta%2Fmain")
        #expect(
            read.document == [
                "id": "beta/main", "site": "beta", "name": "main",
                "credential": ["kind": "api_key", "has_secret": true, "prefix": "sk-ve", "fields": .emptyObject],
                "models": [["upstream": "m", "as": "m"], ["upstream": "u", "as": "n"]], "enabled": true,
                "max_concurrency": .null, "tokens": 1, "source": "store", "read_only": false,
            ])
        let password = #"{"credential":{"kind":"password","username":"ann","password":"very-secret"},"models":null}"#
        let changed = await client.send("PATCH", "/api/v1/accounts/beta/main", password)
        #expect(changed.document["models"]?.isNull == true)
        #expect(
            changed.document["credential"] == [
                "kind": "password", "has_secret": true, "prefix": .null, "fields": ["username": "ann"],
            ])
        #expect(await client.send("DELETE", "/api/v1/accounts/beta/main").status == 204)
        #expect(await client.send("GET", "/api/v1/tokens/beta/main/one").status == 404)
    }

    @Test func tokenLivesAndDies() async {
        await fill()
        let path = "/api/v1/tokens/beta/main/one"
        let changed = await client.send(
            "PATCH", path, #"{"price_ratio":0.5,"group":"vip","models":["m"],"enabled":false}"#)
        #expect(
            changed.document == [
                "id": "beta/main/one", "site": "beta", "account": "main", "name": "one", "has_secret": true,
                "prefix": "sk-ve",
                "group": "vip", "price_ratio": 0.5, "models": [["upstream": "m", "as": "m"]], "enabled": false,
                "source": "store", "read_only": false,
            ])
        #expect(await client.send("PATCH", path, #"{"group":null}"#).document["group"]?.isNull == true)
        #expect(await client.send("DELETE", path).status == 204)
        #expect(await client.send("DELETE", path).status == 404)
    }

    @Test func keyIsShownOnce() async {
        let created = await create("keys", #"{"name":"app","models":["gpt-*"]}"#)
        #expect(created.document["key"] == "sk-pb-generated" && created.document["prefix"] == "sk-pb")
        let read = await client.send("GET", "/api/v1/keys/app")
        #expect(
            read.document == [
                "id": "app", "name": "app", "has_secret": true, "prefix": "sk-pb", "models": ["gpt-*"],
                "group": "default",
                "enabled": true, "strict_conversion": false, "server_timing": false, "limits": .emptyObject, "source": "store",
                "read_only": false,
            ])
        let changed = await client.send(
            "PATCH", "/api/v1/keys/app", #"{"enabled":false,"group":"team","models":["*"]}"#)
        #expect(changed.document["enabled"] == false && changed.document["key"] == nil)
        let stored = client.backend.state.withLock { $0.configuration.keys.first { $0.name == "app" } }
        #expect(stored?.digest == client.backend.clientKey(Secret("sk-pb-generated")).digest)
        #expect(await client.send("DELETE", "/api/v1/keys/app").status == 204)
    }

    @Test func keyOfOnesOwnIsTakenUnlessItIsKnown() async {
        #expect(await create("keys", #"{"name":"own","key":"sk-my-own-key"}"#).document["key"] == "sk-my-own-key")
        let twin = await client.send("POST", "/api/v1/keys", #"{"name":"twin","key":"sk-client-1"}"#)
        #expect(twin.status == 409 && twin.problem == "already_exists key The key 'dev' has the same text.")
    }

    @Test func settingsAreSetAndTakenBack() async {
        await fill()
        let path = "/api/v1/sites/beta"
        let set = await client.send(
            "PATCH", path,
            #"{"timeouts":{"idle":5000,"total":9000},"retry":{"backoff":{"base":100}},"max_concurrency":3,"queue":{"length":0}}"#
        )
        #expect(set.document["timeouts"] == ["idle": 5000, "total": 9000], "\(set.text)")
        #expect(set.document["retry"] == ["backoff": ["base": 100]] && set.document["queue"] == ["length": 0])
        #expect(set.document["max_concurrency"] == 3)
        let less = await client.send("PATCH", path, #"{"timeouts":{"idle":null},"retry":null,"max_concurrency":null}"#)
        #expect(less.document["timeouts"] == ["total": 9000] && less.document["retry"] == .emptyObject)
        #expect(less.document["max_concurrency"]?.isNull == true && less.document["queue"] == ["length": 0])
        let wrong = await client.send("PATCH", path, #"{"timeouts":{"idle":0}}"#)
        #expect(wrong.status == 400 && wrong.text.contains("timeouts.idle"), "\(wrong.text)")
        let unknown = await client.send("PATCH", path, #"{"timeouts":{"idel":1}}"#)
        #expect(unknown.status == 400, "\(unknown.text)")
    }

    @Test func groupLivesAndDies() async {
        let created = await create("groups", #"{"name":"squad","limits":{"rpm":5,"concurrency":2}}"#)
        #expect(
            created.document == [
                "id": "squad", "name": "squad", "limits": ["rpm": 5, "concurrency": 2], "source": "store",
                "read_only": false,
            ])
        let changed = await client.send("PATCH", "/api/v1/groups/squad", #"{"limits":{"tpm":7,"rpm":null}}"#)
        #expect(changed.document["limits"] == ["tpm": 7, "concurrency": 2])
        #expect(await client.send("DELETE", "/api/v1/groups/squad").status == 204)
        #expect(await client.send("GET", "/api/v1/groups/squad").status == 404)
    }

    @Test func routeLivesAndDies() async {
        await fill()
        let created = await create(
            "routes", #"{"model":"org/m-*","channels":[{"site":"beta","account":"main","weight":10,"model":"u"}]}"#)
        let channel: JSONValue = [
            "site": "beta", "account": "main", "token": .null, "model": "u", "priority": 0, "weight": 10,
        ]
        #expect(created.document["channels"] == [channel])
        let path = "/api/v1/routes/org%2Fm-%2A"
        #expect(await client.send("GET", path).document["model"] == "org/m-*")
        let changed = await client.send("PATCH", path, #"{"channels":[{"site":"filed","priority":-1}]}"#)
        #expect(changed.document["channels"]?[0]?["priority"] == -1)
        #expect(await client.send("DELETE", path).status == 204)
    }

    @Test func whatARouteNamesCannotBeDeleted() async {
        await fill()
        _ = await create("routes", #"{"model":"m","channels":[{"site":"beta","account":"main","token":"one"}]}"#)
        for (path, what) in [
            ("sites/beta", "site 'beta'"), ("accounts/beta/main", "account 'beta/main'"),
            ("tokens/beta/main/one", "token 'beta/main/one'"),
        ] {
            let answer = await client.send("DELETE", "/api/v1/\(path)")
            #expect(answer.status == 409)
            #expect(answer.problem == "in_use - The \(what) is named by the route 'm'; change the route first.")
        }
    }

    @Test func whatTheFileDeclaresIsReadOnly() async {
        for path in ["sites/filed", "accounts/filed/main", "tokens/filed/main/t", "keys/dev", "routes/gpt-4o"] {
            for (method, body) in [("PATCH", "{}"), ("DELETE", "")] {
                let answer = await client.send(method, "/api/v1/\(path)", body)
                #expect(answer.status == 409, "\(method) \(path)")
                #expect(answer.problem.hasPrefix("read_only - The "))
                #expect(
                    answer.problem.hasSuffix(
                        "is declared in the configuration file, which is the only place to change it."))
            }
            #expect(await client.send("GET", "/api/v1/\(path)").document["read_only"] == true)
        }
        let account = #"{"site":"filed","name":"x","credential":{"kind":"none"}}"#
        #expect(await client.send("POST", "/api/v1/accounts", account).status == 409)
        let token = #"{"site":"filed","account":"main","name":"x","key":"sk-12345678"}"#
        #expect(await client.send("POST", "/api/v1/tokens", token).status == 409)
    }

    @Test func nameThatIsTakenIsAConflict() async {
        for (resource, body) in [
            ("sites", #"{"name":"filed","platform":"openai","base_url":"http://x"}"#), ("keys", #"{"name":"dev"}"#),
            ("routes", #"{"model":"gpt-4o","channels":[{"site":"filed"}]}"#),
        ] {
            let answer = await client.send("POST", "/api/v1/\(resource)", body)
            #expect(answer.status == 409 && answer.problem.contains("already."))
        }
    }

    @Test func onlyOneOfManyCreationsAtOnceSucceeds() async {
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    await client.send("POST", "/api/v1/sites", #"{"name":"same","platform":"p","base_url":"http://x"}"#)
                        .status
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 201 } == 1 && statuses.count { $0 == 409 } == 19)
    }

    @Test func listsArePagedById() async {
        for name in ["c", "a", "d", "b"] {
            _ = await create("sites", #"{"name":"\#(name)","platform":"p","base_url":"http://x"}"#)
        }
        var names: [String] = []
        var cursor = ""
        for _ in 0..<10 {
            let page = await client.send("GET", "/api/v1/sites?limit=2&cursor=\(cursor)").document
            names += page["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
            guard let next = page["next"]?.stringValue else { break }
            cursor = next
        }
        #expect(names == ["a", "b", "c", "d", "filed"])
    }

    @Test func noAnswerHoldsASecret() async {
        await fill()
        _ = await create(
            "sites",
            #"{"name":"gamma","platform":"p","base_url":"http://x","headers":[{"name":"a","value":"very-secret-3"}]}"#)
        for path in [
            "sites", "accounts", "tokens", "keys", "routes", "sites/gamma", "accounts/beta/main",
            "tokens/beta/main/one",
        ] {
            let text = await client.send("GET", "/api/v1/\(path)").text
            #expect(!text.contains("very-secret") && !text.contains("hidden"), "\(path)")
        }
    }
}
