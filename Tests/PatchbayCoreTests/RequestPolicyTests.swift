import Testing

@testable import PatchbayCore

/// What the places of the configuration say, worked out.
struct RequestPolicyTests {
    @Test(arguments: PolicySettings.members.map(\.id))
    func everySettingHasAnEffectOfItsOwn(id: String) throws {
        let member = try #require(PolicySettings.members.first { $0.id == id })
        let defaults = RequestPolicy()
        // No default is at an end of its range but those that are 0.
        for value in [member.range.lowerBound, member.range.upperBound] where value != 0 {
            var settings = PolicySettings()
            settings[keyPath: member.path] = value
            #expect(defaults.overlaid(by: settings) != defaults)
            #expect(defaults.overlaid(by: settings).overlaid(by: PolicySettings()) == defaults.overlaid(by: settings))
        }
        for other in PolicySettings.members where other.id != id {
            #expect(other.path != member.path)
        }
    }

    @Test func theNearestPlaceWins() {
        var far = PolicySettings()
        far.retry.continueCutStreams = 1
        far.limits.minimumRate = 10
        var near = PolicySettings()
        near.retry.continueCutStreams = 0
        let policy = RequestPolicy().overlaid(by: far)
        #expect(policy.retry.continuesCutStreams && policy.limits.minimumRate == 10)
        #expect(!policy.overlaid(by: near).retry.continuesCutStreams)
        #expect(policy.overlaid(by: near).limits.minimumRate == 10)
    }
}
