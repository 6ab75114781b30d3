/// Host threads for everything that may block: plugin calls, answers of control HTTP, destroying instances.
///
/// Work is queued per lane. A lane has a bounded queue and a number of slots, so a plugin that hangs stops only
/// itself. Threads are started when they are needed and stay.
package final class WorkerPool: @unchecked Sendable {
    /// The queue of one plugin. All fields are guarded by the pool's lock.
    final class Lane: @unchecked Sendable {
        let name: String
        let slots: Int
        let bound: Int
        fileprivate var queue: [@Sendable () -> Void] = []
        /// Index of the next job in `queue`.
        fileprivate var head = 0
        fileprivate var running = 0
        fileprivate var isReady = false

        fileprivate var waiting: Int { queue.count - head }

        init(name: String, slots: Int, bound: Int) {
            self.name = name
            self.slots = slots
            self.bound = bound
        }

        fileprivate func next() -> @Sendable () -> Void {
            let job = queue[head]
            head += 1
            if head == queue.count {
                queue.removeAll(keepingCapacity: true)
                head = 0
            } else if head > 1024 {
                queue.removeFirst(head)
                head = 0
            }
            return job
        }
    }

    enum Admission: Sendable {
        case accepted
        /// The lane's queue is full; the job will not run.
        case full
        /// The pool has been stopped; the job will not run.
        case stopped
    }

    private let lock = ConditionLock()
    private let maximumThreads: Int
    // Guarded by `lock`.
    private var ready: [Lane] = []
    private var threads = 0
    private var idle = 0
    private var isStopped = false

    package init(maximumThreads: Int = 64) {
        self.maximumThreads = maximumThreads
    }

    /// Queues a job.
    func submit(to lane: Lane, _ job: @escaping @Sendable () -> Void) -> Admission {
        let (admission, needsThread) = lock.withLock { () -> (Admission, Bool) in
            guard !isStopped else { return (.stopped, false) }
            guard lane.waiting < lane.bound else { return (.full, false) }
            lane.queue.append(job)
            makeReady(lane)
            let needsThread = ready.count > idle && threads < maximumThreads
            if needsThread { threads += 1 }
            lock.signal()
            return (.accepted, needsThread)
        }
        if needsThread { startThread() }
        return admission
    }

    /// Lets the threads end when the queues are empty. Later jobs are refused.
    package func stop() {
        lock.withLock {
            isStopped = true
            lock.broadcast()
        }
    }

    /// Jobs of a lane that wait and run, for reports and tests.
    func load(of lane: Lane) -> (waiting: Int, running: Int) {
        lock.withLock { (lane.waiting, lane.running) }
    }

    // MARK: - Threads

    private func startThread() {
        let started = HostThread.start(name: "pb-worker") { [self] in work() }
        if !started { lock.withLock { threads -= 1 } }
    }

    private func work() {
        while let (lane, job) = take() {
            job()
            finish(lane)
        }
    }

    private func take() -> (Lane, @Sendable () -> Void)? {
        lock.withLock {
            while ready.isEmpty {
                if isStopped {
                    threads -= 1
                    return nil
                }
                idle += 1
                lock.wait()
                idle -= 1
            }
            let lane = ready.removeFirst()
            lane.isReady = false
            let job = lane.next()
            lane.running += 1
            makeReady(lane)
            return (lane, job)
        }
    }

    private func finish(_ lane: Lane) {
        lock.withLock {
            lane.running -= 1
            makeReady(lane)
        }
    }

    /// Puts a lane in line if it has a job and a free slot. The lock must be held.
    private func makeReady(_ lane: Lane) {
        guard !lane.isReady, lane.waiting > 0, lane.running < lane.slots else { return }
        lane.isReady = true
        ready.append(lane)
        lock.signal()
    }
}
