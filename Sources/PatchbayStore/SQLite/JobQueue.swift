/// Closures that wait for one of a few threads. Everything mutable is guarded by `monitor`.
final class JobQueue<Context>: @unchecked Sendable {
    typealias Job = @Sendable (Context) -> Void

    private let monitor = Monitor()
    private var jobs: [Job] = []
    private var head = 0
    private var closed = false

    /// False once the queue is closed; the job will never run then.
    func add(_ job: @escaping Job) -> Bool {
        monitor.locked {
            guard !closed else { return false }
            jobs.append(job)
            monitor.wakeAll()
            return true
        }
    }

    /// Adds a job whose result is the answer to somebody who does not wait for it. Once the queue is closed the answer
    /// is that, at once.
    func submit<Value: Sendable>(
        _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void,
        _ body: @escaping @Sendable (Context) throws(StoreError) -> Value
    ) {
        let isAdded = add { context in
            do throws(StoreError) {
                answer(.success(try body(context)))
            } catch {
                answer(.failure(error))
            }
        }
        if !isAdded { answer(.failure(StoreError(.closed, "The store is closed."))) }
    }

    /// Waits for a job; nil when the queue is closed and empty.
    func next() -> Job? {
        monitor.locked {
            while head == jobs.count, !closed { monitor.wait() }
            guard head < jobs.count else { return nil }
            let job = jobs[head]
            head += 1
            if head == jobs.count || head > 1024 {
                jobs.removeFirst(head)
                head = 0
            }
            return job
        }
    }

    /// Lets the threads end after what is queued already.
    func close() {
        monitor.locked {
            closed = true
            monitor.wakeAll()
        }
    }
}
