/// What every plugin type has in common. Conform to ``PlatformAdapter``, ``WireFormatCodec`` or ``Notifier`` (or
/// several).
///
/// An instance is made for each configured site and thrown away and made again at any time, so it keeps nothing but
/// what its configuration says; durable state lives in ``Call/store(_:)``. Its functions run concurrently.
public protocol Plugin: Sendable {
    /// Makes an instance. Does no I/O. The host has checked the configuration against the manifest's schema and filled
    /// in the defaults.
    ///
    /// - Throws: ``PluginError`` with a sentence that names the field and the rule.
    init(configuration: PluginConfiguration, host: Host) throws

    /// The operations of the control plane, one line each. List the same names under "operations" in plugin.json.
    ///
    ///     static var operations: [Operation<Self>] { [Operation("models", models), Operation("test", test)] }
    static var operations: [Operation<Self>] { get }
}

extension Plugin {
    public static var operations: [Operation<Self>] { [] }
}

/// Knows how one kind of site wants to be asked, and what its failures mean.
public protocol PlatformAdapter: Plugin {
    /// Shapes one attempt: URL, headers, patches of the body. Pure; called on the hot path of every request, so it
    /// should neither allocate nor wait. `attempt` is valid until the function returns.
    ///
    /// - Throws: ``PluginError`` to skip the channel.
    func prepare(_ attempt: Attempt, into request: inout RequestBuilder) throws

    /// Judges an answer that is not plainly good. Pure. nil leaves the judgement to the host's own table.
    func classify(_ outcome: Outcome) -> Verdict?

    /// `prepare` does not look at ``Attempt/bodySize``. The host may then keep what it says and use it for every
    /// attempt in which all else that `prepare` can see is the same, headers that it asked for included, so that most
    /// requests need no call. False unless you say so.
    static var preparesForAnySize: Bool { get }
}

extension PlatformAdapter {
    public static var preparesForAnySize: Bool { false }
    public func classify(_ outcome: Outcome) -> Verdict? { nil }
}

/// Delivers messages to people. The kit serves the operation `notify.send` with it.
public protocol Notifier: Plugin {
    /// Sends one message.
    func send(_ notification: Notification, _ call: Call) async throws -> NotificationReceipt
}
