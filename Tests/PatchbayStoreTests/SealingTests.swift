import Foundation
import PatchbayCore
import Testing

@testable import PatchbayStore

@Suite struct SealingTests {
    private let place = SealedPlace(owner: "accounts", row: "alpha/main", field: "credential:api_key")

    private func key(_ byte: UInt8) throws -> SealingKey { try SealingKey(bytes: Array(repeating: byte, count: 32)) }

    @Test(arguments: ["", "sk-1", String(repeating: "🔑", count: 5_000)])
    func aSealedValueOpensInItsPlace(text: String) throws {
        let sealed = try key(1).seal(Secret(text), at: place)
        #expect(try key(1).open(sealed, at: place) == Secret(text))
    }

    @Test func theSameValueIsNeverSealedAlike() throws {
        let key = try key(1)
        #expect(try key.seal(Secret("x"), at: place) != key.seal(Secret("x"), at: place))
    }

    @Test func aValueOpensNowhereElseAndWithNoOtherKey() throws {
        let sealed = try key(1).seal(Secret("sk-1"), at: place)
        for (owner, row, field) in [
            ("tokens", "alpha/main", "credential:api_key"), ("accounts", "alpha/spare", "credential:api_key"),
            ("accounts", "alpha/main", "credential:password"), ("accountsalpha", "/main", "credential:api_key"),
        ] {
            let other = SealedPlace(owner: owner, row: row, field: field)
            #expect { try key(1).open(sealed, at: other) } throws: { ($0 as? StoreError)?.code == .sealing }
        }
        #expect { try key(2).open(sealed, at: place) } throws: { ($0 as? StoreError)?.code == .sealing }
    }

    @Test func aValueThatWasTouchedAnywhereDoesNotOpen() throws {
        let key = try key(1)
        let sealed = try key.seal(Secret("sk-upstream"), at: place)
        for index in sealed.indices {
            var touched = sealed
            touched[index] ^= 1
            #expect(throws: StoreError.self) { try key.open(touched, at: place) }
            #expect(throws: StoreError.self) { try key.open(Array(sealed[..<index]), at: place) }
        }
    }

    @Test func theKeyIsReadAsHexadecimalOrBase64() throws {
        let bytes = (0..<32).map { UInt8($0 * 7 % 256) }
        let sealed = try SealingKey(bytes: bytes).seal(Secret("x"), at: place)
        for text in [
            bytes.map { String(format: "%02x", $0) }.joined(), bytes.map { String(format: "%02X", $0) }.joined(),
            Data(bytes).base64EncodedString(), " " + Data(bytes).base64EncodedString().filter { $0 != "=" } + "\n",
        ] {
            #expect(try SealingKey(text: Secret(text)).open(sealed, at: place) == Secret("x"))
        }
        for text in ["", "short", String(repeating: "0", count: 63), String(repeating: "!", count: 43)] {
            #expect { try SealingKey(text: Secret(text)) } throws: { ($0 as? StoreError)?.code == .sealing }
        }
    }

    @Test func theKeyFileIsMadeOnceForItsOwnerOnly() throws {
        let scratch = try Scratch()
        let first = try SealingKey.load(directory: scratch.path, environment: nil)
        let sealed = try first.seal(Secret("x"), at: place)
        let file = scratch.path + "/sealing.key"
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try SealingKey.load(directory: scratch.path, environment: nil).open(sealed, at: place) == Secret("x"))
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect { try SealingKey.load(directory: scratch.path, environment: nil) } throws: { error in
            (error as? StoreError)?.sentence.contains("0600") == true
        }
    }

    @Test func aLostKeyFileIsNotReplacedBesideADatabase() throws {
        let scratch = try Scratch()
        _ = try SealingKey.load(directory: scratch.path, environment: nil)
        _ = try scratch.store()
        try FileManager.default.removeItem(atPath: scratch.path + "/sealing.key")
        #expect { try SealingKey.load(directory: scratch.path, environment: nil) } throws: { error in
            (error as? StoreError)?.code == .sealing
        }
    }

    @Test func generatedKeysAreLongDistinctAndRecognised() {
        let keys = (0..<100).map { _ in KeyFactory.generate() }
        #expect(Set(keys).count == 100)
        #expect(keys.allSatisfy { $0.reveal().hasPrefix("sk-pb-") && $0.reveal().utf8.count == 49 })
        #expect(KeyFactory.digest(of: keys[0]) == KeyFactory.digest(of: keys[0]))
        #expect(KeyFactory.displayPrefix(of: keys[0]) == String(keys[0].reveal().prefix(11)))
        let known = KeyFactory.digest(of: Secret("abc")).bytes.map { String(format: "%02x", $0) }.joined()
        #expect(known == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
