import PatchbayStore
import PatchbayWire
import Testing

@testable import PatchbayGateway

@Suite struct FileFormTests {
    private func form(_ parts: [(String, String)], needsPurpose: Bool = true) throws(GatewayError) -> (FileForm, String) {
        let text =
            parts.map { "--b\r\nContent-Disposition: form-data; \($0.0)\r\n\r\n\($0.1)\r\n" }.joined() + "--b--\r\n"
        let bytes = Array(text.utf8)
        let form = try bytes.withBytes { raw throws(GatewayError) in
            try FileForm(scanning: raw, boundary: Array("b".utf8), needsPurpose: needsPurpose)
        }
        return (form, String(decoding: bytes[form.content], as: UTF8.self))
    }

    private func refusal(_ parts: [(String, String)], needsPurpose: Bool = true) -> String? {
        do throws(GatewayError) {
            _ = try form(parts, needsPurpose: needsPurpose)
            return nil
        } catch {
            return error.sentence
        }
    }

    @Test func readsAFormOfEitherDialect() throws {
        let (form, content) = try form([
            ("name=\"purpose\"", "vision"), ("name=\"expires_after[anchor]\"", "created_at"),
            ("name=\"expires_after[seconds]\"", "3600"),
            ("name=\"file\"; filename=\"C:\\\\x\\\\a.csv\"\r\nContent-Type: Text/CSV; charset=utf-8", "1,2\r\n3"),
        ])
        #expect(content == "1,2\r\n3" && form.name == "a.csv" && form.type == "text/csv")
        #expect(form.purpose == "vision" && form.expiresAfter == 3600)
        let (other, _) = try self.form(
            [("name=\"file\"", "%PDF-1.7"), ("name=\"expires_in_seconds\"", "7776000")], needsPurpose: false)
        #expect(other.name == "unnamed" && other.type == "application/pdf" && other.purpose == nil)
        #expect(other.expiresAfter == 7_776_000)
    }

    @Test func namesTheFieldThatIsWrong() {
        let file = ("name=\"file\"; filename=\"a\"", "x")
        let purpose = ("name=\"purpose\"", "batch")
        #expect(refusal([file]) == "\"purpose\" is missing")
        #expect(refusal([purpose]) == "\"file\" is missing")
        #expect(refusal([purpose, ("name=\"file\"; filename=\"a\"", "")]) == "\"file\" is empty")
        #expect(refusal([purpose, file, file]) == "\"file\" is there twice")
        #expect(refusal([file, ("name=\"purpose\"", "joy")])?.hasPrefix("\"purpose\" has to be one of") == true)
        #expect(
            refusal([purpose, file, ("name=\"expires_after[seconds]\"", "60")])
                == "\"expires_after[seconds]\" has to be from 3600 to 2592000")
        #expect(refusal([purpose, file, ("name=\"expires_after[anchor]\"", "now")])?.contains("created_at") == true)
        #expect(refusal([purpose, file, ("name=\"f%69le\"", "x")])?.contains("escapes") == true)
    }

    @Test(arguments: [
        ("../../etc/passwd", "passwd"), ("a\r\nb", "ab"), ("", ""), ("..", ""), ("/", ""), ("späße.txt", "späße.txt"),
        (String(repeating: "ä", count: 200), String(repeating: "ä", count: 127)),
    ])
    func namesOfFilesAreHarmless(name: String, cleaned: String) {
        #expect(FileName.cleaned(name) == cleaned)
    }

    @Test func aNameInAHeaderIsPlainAndComplete() {
        #expect(
            FileName.disposition("a\"ä.txt") == "attachment; filename=\"a___.txt\"; filename*=UTF-8''a%22%C3%A4.txt")
    }

    @Test(arguments: [
        ("text/plain", "a.pdf", "text/plain"), (nil, "a.md", "text/markdown"), ("application/octet-stream", "a.JPG",
        "image/jpeg"), ("nonsense", "a", "application/octet-stream"), ("a/b/c", "x.json", "application/json"),
    ] as [(String?, String, String)])
    func theTypeIsWhatIsSaidOrSeen(declared: String?, name: String, type: String) {
        #expect(FileType.of(declared: declared, name: name, content: UnsafeRawBufferPointer(start: nil, count: 0)) == type)
    }

    @Test func pathsOfFilesAreKnown() {
        func request(_ path: StaticString) -> FileRequest? {
            FileRequest(path: UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount))
        }
        #expect(request("/files") == .collection)
        #expect(request("/files/a") == .entry)
        #expect(request("/files/a/content") == .content)
        for path in ["/filesx", "/files/", "/files//", "/files/a/", "/files/a/other", "/file"] as [StaticString] {
            #expect(request(path) == nil)
        }
    }
}
