/// Threads that each own a connection and run closures on it, in the order of arrival.
///
/// `threads` is written by `init` and by the one `stop` that matters, under `monitor`.
final class DatabaseThreads: @unchecked Sendable {
    private let queue = JobQueue<DatabaseConnection>()
    private let monitor = Monitor()
    private var threads: [SystemThread] = []

    /// Opens one connection per thread at once, so that what cannot be opened is an error here.
    ///
    /// - Parameters:
    ///   - schema: what a file that is opened later must have.
    ///   - deferred: opens the connections when they are used, for a database that does not work at the moment.
    init(
        named name: String, count: Int, path: String, readOnly: Bool, schema: SchemaVersion, deferred: Bool = false
    ) throws(StoreError) {
        do throws(StoreError) {
            for index in 0..<count {
                let handover = Handover(
                    connection: try DatabaseConnection(
                        path: path, readOnly: readOnly, schema: schema, deferred: deferred))
                threads.append(
                    try SystemThread(named: "\(name)-\(index)") { [queue] in
                        while let job = queue.next() { job(handover.connection) }
                    })
            }
        } catch {
            stop()
            throw error
        }
    }

    /// Runs what is queued, then ends the threads and closes the connections.
    func stop() {
        queue.close()
        let ending = monitor.locked {
            defer { threads = [] }
            return threads
        }
        for thread in ending { thread.join() }
    }

    /// Runs the body on a connection and waits for it. Blocks the calling thread.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let slot = Slot<Value>()
        guard queue.add({ slot.fill(Self.outcome($0, body)) }) else { throw Self.closed }
        return try slot.wait().get()
    }

    /// Runs the body on a connection without blocking a thread of the caller.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let outcome = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, StoreError>, Never>) in
            let added = queue.add { continuation.resume(returning: Self.outcome($0, body)) }
            if !added { continuation.resume(returning: .failure(Self.closed)) }
        }
        return try outcome.get()
    }

    private static var closed: StoreError { StoreError(.closed, "The store is closed.") }

    private static func outcome<Value>(
        _ connection: DatabaseConnection, _ body: (Database) throws(StoreError) -> Value
    ) -> Result<Value, StoreError> {
        do throws(StoreError) {
            return .success(try body(try connection.open()))
        } catch {
            connection.noteFailure(error)
            return .failure(error)
        }
    }

    /// Carries a connection to the only thread that uses it from then on.
    private struct Handover: @unchecked Sendable {
        let connection: DatabaseConnection
    }

    /// Where a waiting thread finds its result. `value` is guarded by `monitor`.
    private final class Slot<Value: Sendable>: @unchecked Sendable {
        private let monitor = Monitor()
        private var value: Result<Value, StoreError>?

        func fill(_ result: Result<Value, StoreError>) {
            monitor.locked {
                value = result
                monitor.wakeAll()
            }
        }

        func wait() -> Result<Value, StoreError> {
            monitor.locked {
                while true {
                    if let value { return value }
                    monitor.wait()
                }
            }
        }
    }
}
