import PatchbayCore
import Testing

@testable import PatchbayAdmin

@Suite struct BodyValidationTests {
    private let client = AdminClient()

    @Test(arguments: [
        ("sites", #"{"#, "invalid_body - The body is not valid JSON"),
        ("sites", "", "invalid_body - The body is not valid JSON"),
        ("sites", #"[]"#, "invalid_body - The body must be a JSON object."),
        ("sites", #"{"name":"a","name":"b"}"#, "invalid_body name name appears twice in the body."),
        ("sites", #"{}"#, "invalid_field name name is required."),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","nmae":1}"#,
            "unknown_field nmae nmae is not known here; known are name, platform,"
        ),
        (
            "sites", #"{"name":7,"platform":"p","base_url":"http://x"}"#,
            "invalid_field name name must be a string of 1 to 64 bytes."
        ),
        (
            "sites", #"{"name":"A b","platform":"p","base_url":"http://x"}"#,
            "invalid_field name name must be 1 to 64 lower-case letters"
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"ftp://x"}"#,
            "invalid_field base_url base_url must begin with http:// or https://."
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","enabled":"yes"}"#,
            "invalid_field enabled enabled must be true or false."
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","formats":"f"}"#,
            "invalid_field formats formats must be a list."
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","formats":["f",1]}"#,
            "invalid_field formats[1] formats[1] must be a string."
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","plugin_configuration":[]}"#,
            "invalid_field plugin_configuration plugin_configuration must be an object."
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","headers":[{"name":"h","x":1}]}"#,
            "unknown_field headers[0].x headers[0].x is not known here"
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","headers":[{"name":"h"}]}"#,
            "invalid_field headers[0].value headers[0].value is required."
        ),
        (
            "sites", #"{"name":"a","platform":"p","base_url":"http://x","headers":[{"name":"Host","value":"v"}]}"#,
            "invalid_field headers[0] headers[0] must not set Host"
        ),
        (
            "accounts", #"{"site":"none","name":"a","credential":{"kind":"none"}}"#,
            "invalid_field site site names 'none', which does not exist."
        ),
        (
            "accounts", #"{"site":"s","name":"a","credential":{"kind":"magic"}}"#,
            "invalid_field credential.kind credential.kind must be one of access_token, api_key,"
        ),
        (
            "accounts", #"{"site":"s","name":"a","credential":{"kind":"api_key"}}"#,
            "invalid_field credential.api_key credential.api_key is required for the kind api_key."
        ),
        (
            "accounts", #"{"site":"s","name":"a","credential":{"kind":"none","password":"x"}}"#,
            "invalid_field credential.password credential.password does not belong to the kind none."
        ),
        (
            "accounts", #"{"site":"s","name":"a","credential":{"kind":"none"},"models":[1]}"#,
            "invalid_field models[0] models[0] must be a string or an object."
        ),
        (
            "accounts", #"{"site":"s","name":"a","credential":{"kind":"none"},"models":[{"as":"x"}]}"#,
            "invalid_field models[0].upstream models[0].upstream is required."
        ),
        (
            "tokens", #"{"site":"s","account":"gone","name":"t","key":"k"}"#,
            "invalid_field account account names 's/gone', which does not exist."
        ),
        (
            "tokens", #"{"site":"s","account":"a","name":"t","key":""}"#,
            "invalid_field key key must be 1 to 16384 bytes long."
        ),
        (
            "tokens", #"{"site":"s","account":"a","name":"t","key":"k","price_ratio":-1}"#,
            "invalid_field price_ratio price_ratio must be a number from 0 to 1000000."
        ),
        (
            "keys", #"{"name":"k","key":"short"}"#,
            "invalid_field key key must be 8 to 1024 characters of ASCII without spaces."
        ),
        (
            "keys", #"{"name":"k","models":[""]}"#,
            "invalid_field models[0] models[0] must be a string of 1 to 256 bytes."
        ),
        ("routes", #"{"model":"m","channels":[]}"#, "invalid_field channels channels must have at least one element."),
        (
            "routes", #"{"model":"m","channels":[{"site":"none"}]}"#,
            "invalid_field channels[0].site channels[0].site names 'none', which does not exist."
        ),
        (
            "routes", #"{"model":"m","channels":[{"site":"s","account":"x"}]}"#,
            "invalid_field channels[0].account channels[0].account names 's/x', which does not exist."
        ),
        (
            "routes", #"{"model":"m","channels":[{"site":"s","weight":1.5}]}"#,
            "invalid_field channels[0].weight channels[0].weight must be a whole number from 0 to 1000000."
        ),
        (
            "routes", #"{"model":"m","channels":[{"site":"s","token":"t"}]}"#,
            "invalid_field channels[0].token channels[0].token needs an account beside it."
        ),
        (
            "explain", #"{"model":"m","key":"no-such-key"}"#,
            "invalid_field key key is neither the name of a key nor a key."
        ),
        ("explain", #"{"key":"dev"}"#, "invalid_field model model is required."),
    ])
    func bodyIsRefusedWithItsFieldAndRule(resource: String, body: String, problem: String) async {
        await fill()
        let answer = await client.send("POST", "/api/v1/\(resource)", body)
        #expect(answer.status == 400)
        #expect(answer.problem.hasPrefix(problem), "\(answer.problem)")
    }

    private func fill() async {
        _ = await client.send("POST", "/api/v1/sites", #"{"name":"s","platform":"p","base_url":"http://x"}"#)
        _ = await client.send("POST", "/api/v1/accounts", #"{"site":"s","name":"a","credential":{"kind":"none"}}"#)
    }

    @Test func nameCannotBeChanged() async {
        await fill()
        let answer = await client.send("PATCH", "/api/v1/sites/s", #"{"name":"t"}"#)
        #expect(answer.status == 400 && answer.problem.hasPrefix("unknown_field name"))
    }

    @Test(arguments: [
        ("sites?limit=0", "limit must be a whole number from 1 to 500."),
        ("sites?limit=x", "limit must be a whole number from 1 to 500."),
        ("sites?page=2", "The parameter page is not known here."),
        ("requests?outcome=odd", "outcome must be one of completed,"),
        ("requests?since=yesterday", "since must be a time such as 2026-11-21T04:48:19Z."),
        ("usage?group_by=day", "group_by must be one of key, model, site."),
        ("sites?cursor=%", "The query is not valid"),
    ])
    func queryIsRefusedWithItsParameterAndRule(path: String, message: String) async {
        let answer = await client.send("GET", "/api/v1/\(path)")
        #expect(answer.status == 400)
        #expect(answer.problem.contains(message), "\(answer.problem)")
    }

    @Test func longBodyIsRefused() async {
        let body = #"{"name":""# + String(repeating: "x", count: AdminService.longestBody) + #""}"#
        let answer = await client.send("POST", "/api/v1/sites", body)
        #expect(answer.status == 413 && answer.problem.hasPrefix("body_too_large"))
    }

    @Test func deeplyNestedBodyIsRefused() async {
        let body = #"{"plugin_configuration":"# + String(repeating: "[", count: 100_000)
        #expect(await client.send("POST", "/api/v1/sites", body).status == 400)
    }
}
