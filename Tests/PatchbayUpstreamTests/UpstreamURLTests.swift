import NIOCore
import PatchbayUpstream
import Testing

struct UpstreamURLTests {
    @Test(arguments: [
        ("https://api.example.com/v1/chat?x=1", "https://api.example.com", "/v1/chat?x=1"),
        ("HTTP://API.Example.com:8080", "http://api.example.com:8080", "/"),
        ("http://h?q", "http://h", "/?q"),
        ("https://h:443/", "https://h", "/"),
        ("https://h:80/a:b@c", "https://h:80", "/a:b@c"),
        ("http://[::1]:9/x", "http://[::1]:9", "/x"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]", "/"),
        ("http://h:/x", "http://h", "/x"),
        ("http://127.0.0.1:65535//a/../b", "http://127.0.0.1:65535", "//a/../b"),
    ])
    func takesAURLApart(text: String, origin: String, target: String) throws {
        let url = try #require(UpstreamURL(text))
        #expect(url.origin.description == origin)
        #expect(url.target == target)
        var buffer = ByteBuffer()
        url.origin.writeAuthority(into: &buffer)
        #expect(String(buffer: buffer) == url.origin.authority)
    }

    @Test(arguments: [
        "", "http://", "https:///x", "ftp://h/", "//h/", "/v1", "h/v1", "http:/h", "http://u:p@h/", "http://h@evil/",
        "http://h/a b", "http://h/a\r\nX: y", "http://h/#f", "http://h#x", "http://h\\@evil/", "http://h/\u{E9}",
        "http://\u{E9}/",
        "http://h:0/", "http://h:65536/", "http://h:1x/", "http://[::1", "http://[::1]x/", "http://[]/", "http://a b/",
        "http://h/\u{0}", "http://%31/", "http://h:-1/", "http://[fe80::1%25eth0]/",
    ])
    func refusesWhatIsNotAPlainURL(text: String) {
        #expect(UpstreamURL(text) == nil)
    }

    @Test func splitsWithoutCopyingTheTarget() throws {
        let text = "https://h.example/v1/x?y"
        let parts = Array(text.utf8).withUnsafeBytes { bytes in
            UpstreamURL.split(bytes).map { (String(decoding: bytes[$0.target], as: UTF8.self), $0.needsSlash) }
        }
        #expect(try #require(parts) == ("/v1/x?y", false))
    }
}
