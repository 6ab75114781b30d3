import Testing

@testable import PatchbayHost

struct LossLedgerTests {
    private func loss(_ severity: ConversionLoss.Severity, _ code: String, _ path: String = "") -> ConversionLoss {
        ConversionLoss(severity: severity, code: code, path: path)
    }

    @Test func warningsNameEachCodeOnceTheWorstFirst() {
        let ledger = LossLedger()
        ledger.append(loss(.info, "metadata"))
        ledger.append(loss(.degrade, "sampling.top_k", "/sampling/top_k"))
        ledger.append(loss(.info, "tools", "/tools/0"))
        ledger.append(loss(.semantic, "tools", "/tools/1"))
        #expect(ledger.warnings == ["tools;semantic", "sampling.top_k;degrade", "metadata;info"])
        #expect(ledger.worst == .semantic)
    }

    @Test func warningsAreBounded() {
        let ledger = LossLedger()
        for number in 0..<500 { ledger.append(loss(.info, "code\(number)")) }
        #expect(ledger.losses.count == LossLedger.limit)
        #expect(ledger.warnings.count == LossLedger.maximumWarnings + 1)
        #expect(ledger.warnings.last == "more;info")
    }

    @Test(arguments: [
        ("sampling.top_k", "sampling.top_k"), ("", "unnamed"), ("a\r\nset-cookie: b", "a__set-cookie__b"), ("ü", "__"),
        (String(repeating: "x", count: 100), String(repeating: "x", count: 64)),
    ])
    func codesAreMadeFitForAHeader(written: String, kept: String) {
        #expect(Array(written.utf8).withUnsafeBytes { ConversionLoss.code($0) } == kept)
    }

    @Test func aLedgerContinuesAnother() {
        let first = LossLedger()
        first.append(loss(.info, "a"))
        let second = LossLedger(continuing: first)
        second.append(loss(.fatal, "b"))
        #expect(first.warnings == ["a;info"])
        #expect(second.warnings == ["b;fatal", "a;info"])
    }
}
