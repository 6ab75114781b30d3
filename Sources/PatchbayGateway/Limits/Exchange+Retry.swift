import NIOCore
import PatchbayCore
import PatchbayHost
import PatchbayRouting

/// What comes after a failed attempt: who else is asked, and who once more after a while.
///
/// Another party is asked at once. A party that has failed is asked again only when nobody else is left, only if such
/// a failure passes, and after a wait: at least what the upstream asked for, else one that doubles, with some chance in
/// it so that requests which failed together do not come back together.
extension Exchange {
    func retry(after verdict: Verdict, _ cause: AttemptFailureCause) {
        if Recurrence.passes(verdict, cause, status: attempt.status), governed.hops == 0 {
            let asked = Int64(min(max(0, verdict.retryAfterMilliseconds), 86_400_000)) * 1_000_000
            governed.chances.append(.init(candidate: governed.candidate, notBefore: loop.now + asked))
            // The plugin knows that nobody but this channel will do.
            if case .sameChannel = verdict.retry, governed.retries == 0, rival == nil, awaitSecondChance() { return }
        }
        planRetry(verdict.retry, isUnreachable: attempt.isUnreachable)
        nextAttempt()
    }

    /// What of the plan is left after a failure.
    private func planRetry(_ scope: RetryScope, isUnreachable: Bool) {
        let table = snapshot.table
        let failed = table.channels[Int(attempt.channel)]
        guard scope == .otherAccount || isUnreachable else { return }
        plan.removeSubrange(..<planPosition)
        planPosition = 0
        plan.removeAll { candidate in
            let channel = table.channels[Int(table.candidates[Int(candidate)].channel)]
            if isUnreachable { return channel.site == failed.site }
            return channel.account == failed.account && channel.token == failed.token
        }
    }

    // MARK: - Second chances

    /// Waits for the party that may be asked again first. False if there is none.
    func awaitSecondChance() -> Bool {
        let retry = governed.policy.retry
        guard !governed.chances.isEmpty, attempts.count < retry.maxAttempts else { return false }
        let now = loop.now
        let limit = retry.backoffLimit.milliseconds
        governed.chances.removeAll { $0.notBefore - now > limit || isResting($0.candidate, beyond: now + limit) }
        let chances = governed.chances
        guard let first = chances.indices.min(by: { chances[$0].notBefore < chances[$1].notBefore }) else {
            return false
        }
        let chance = governed.chances.remove(at: first)
        let delay = max(backoff(retry), chance.notBefore - now)
        guard now + delay < startedAt + governed.policy.timeouts.total.milliseconds else { return false }
        governed.retries += 1
        plan.insert(chance.candidate, at: planPosition)
        wait(.backoff, nanoseconds: delay) { $0.nextAttempt() }
        return true
    }

    /// Whether others have learned that the party rests for long. With another configuration nobody knows.
    private func isResting(_ candidate: Int32, beyond time: Int64) -> Bool {
        guard loop.health.table === snapshot.table else { return false }
        return loop.health.isCooling(snapshot.table.candidates[Int(candidate)].channel, now: time)
    }

    /// Nanoseconds: the base doubles with every retry up to the limit, of which half is left to chance.
    private func backoff(_ retry: RequestPolicy.Retry) -> Int64 {
        let longest = min(
            retry.backoffBase.milliseconds << Int64(min(governed.retries, 20)), retry.backoffLimit.milliseconds)
        return longest / 2 + Int64(loop.random.next(below: UInt64(max(longest / 2, 1))))
    }

    // MARK: - The plan

    /// What came of a plan.
    enum PlanStep {
        case planned
        /// Every channel rests, for so short a time that the request waits for the first.
        case waiting
        case unserved
    }

    /// Orders the candidates of the route.
    func makePlan() throws(GatewayError) -> PlanStep {
        guard let binding else { return .unserved }
        let outcome = Router.plan(
            RouteIndex(rawValue: governed.route), in: snapshot.table, formats: binding.sendable, health: loop.health,
            now: loop.now, random: &loop.random, into: &plan)
        planPosition = 0
        switch outcome {
        case .ready:
            if responses?.pinned != nil { preferPinned() }
            return .planned
        case .cooling(let milliseconds):
            if waitsForRest(milliseconds) { return .waiting }
            throw GatewayError(
                .noChannel, "every channel for the model \"\(fields.model)\" is resting after failures", status: 503,
                retryAfter: Int(max(1, (milliseconds + 999) / 1000)))
        case .unserved: return .unserved
        }
    }

    var unservedError: GatewayError {
        GatewayError(
            .noChannel, "no channel serves the model \"\(fields.model)\" in a format that this request can take",
            status: 503, retryAfter: 30)
    }

    /// Answers a request that no channel can take.
    func answerUnserved() throws(GatewayError) {
        if case .gemini(let method) = endpoint, method != .generate, method != .stream {
            revokeAdmission()
            return try answerUnserved(method)
        }
        throw unservedError
    }

    /// A rest that ends within the longest backoff of the request is waited for: failing at once would only make the
    /// client come back at the same time.
    private func waitsForRest(_ milliseconds: Int64) -> Bool {
        let end = loop.now + milliseconds * 1_000_000
        guard governed.hops == 0, end <= startedAt + governed.policy.retry.backoffLimit.milliseconds else {
            return false
        }
        // Not all of those who wait come back in the same moment.
        let chance = Int64(loop.random.next(below: UInt64(milliseconds * 1_000_000 / 8 + 1)))
        wait(.rest, nanoseconds: end - loop.now + chance) { $0.planAgain() }
        return true
    }

    /// The rest is over, for this loop at least. The configuration may have changed meanwhile.
    private func planAgain() {
        do throws(GatewayError) {
            if adoptSnapshot() {
                guard let route = snapshot.table.route(forModel: fields.model) else {
                    throw GatewayError(
                        .modelNotFound, "the model \"\(fields.model)\" does not exist on this gateway any more",
                        status: 404, parameter: "model")
                }
                guard let binding = endpoint?.format.flatMap(snapshot.binding) else { throw unservedError }
                self.binding = binding
                adopt(route)
            }
            switch try makePlan() {
            case .planned: nextAttempt()
            case .waiting: break
            case .unserved: throw unservedError
            }
        } catch {
            lastError = error
            answerLastError()
        }
    }

    /// The request belongs to this route from now on.
    func adopt(_ route: RouteIndex) {
        governed.route = route.rawValue
        governed.policy = snapshot.policies[route: route]
        routeName = snapshot.table.routes[Int(route.rawValue)].model
    }

    // MARK: - Time

    /// Ends what takes too long. Called every quarter of a second.
    ///
    /// - Returns: Whether the request or its attempt has been ended.
    func enforceTimeouts(now: Int64) -> Bool {
        let timeouts = governed.policy.timeouts
        if now - startedAt > timeouts.total.milliseconds {
            endOverdue("the request took longer than the total time-out")
            return true
        }
        guard governed.waiting == nil else { return false }
        return endSilent(now: now) || withRival { endSilent(now: now) }
    }

    /// Ends the attempt at the front if its stream has begun and has had no content for too long.
    private func endSilent(now: Int64) -> Bool {
        let timeouts = governed.policy.timeouts
        guard attempt.mode == .holding, attempt.headAt > 0,
            now - attempt.headAt > timeouts.firstEvent.milliseconds
        else { return false }
        dropUpstream()
        attemptFailed(.transport(.timeout, sentence: "the stream had no content within \(timeouts.firstEvent) ms"))
        return true
    }

    private func endOverdue(_ sentence: String) {
        let wasWaiting = governed.waiting != nil
        dropUpstream()
        guard wasWaiting else { return attemptFailed(.timeout(sentence)) }
        lastError = lastError ?? GatewayError(.upstreamTimeout, sentence, status: 504)
        answerLastError()
    }
}

/// Which failures pass by themselves.
enum Recurrence {
    /// Whether the same party may do better in a moment. A time-out is not repeated: the upstream may be at work still,
    /// and the time is gone.
    static func passes(_ verdict: Verdict, _ cause: AttemptFailureCause, status: Int) -> Bool {
        guard verdict.retry != .none, !verdict.disablesCredential, !cause.isTimeout, status != 508 else { return false }
        switch verdict.fault {
        case .rate, .overload: return true
        case .network: return true
        case .site: return status >= 500 || cause.isBrokenStream
        case .none, .client, .model, .credential, .quota, .challenge, .endpoint: return false
        }
    }
}

extension AttemptFailureCause {
    /// The stream broke or reported an error before it had begun.
    var isBrokenStream: Bool {
        switch self {
        case .truncated, .streamError: true
        case .answer, .transport, .timeout, .loop: false
        }
    }
}
