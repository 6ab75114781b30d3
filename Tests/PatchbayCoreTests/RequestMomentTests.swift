import PatchbayCore
import Testing

@Suite("The moment in the id of a request")
struct RequestMomentTests {
    @Test(
        arguments: [("req_0000000000", 0), ("req_0000000001", 1), ("req_7zzzzzzzzz", (1 << 48) - 1)]
            as [(String, Int64)])
    func isRead(beginning: String, milliseconds: Int64) {
        #expect(RequestMoment.milliseconds(of: beginning + "abcdefghjkmnpqrs") == milliseconds)
    }

    @Test(arguments: [
        "", "req_1", "r1", "req_80000000000000000000000000", "req_i0000000000000000000000000",
        "REQ_00000000000000000000000000",
    ])
    func isNotMadeUp(id: String) {
        #expect(RequestMoment.milliseconds(of: id) == nil)
    }
}
