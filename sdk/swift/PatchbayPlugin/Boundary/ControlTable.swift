import CPatchbay

/// The table of `patchbay.control/1`, built once.
let controlTable = StaticRecord(
    pb_control(
        size: UInt32(MemoryLayout<pb_control>.size), reserved: 0,
        invoke: { instance, operation, arguments, call in
            guard let call, let instance = Instance.at(instance) else { return PB_INTERNAL }
            return invoke(instance.takeUnretainedValue(), ByteView(operation), ByteView(arguments), call)
        }))

/// Starts a task for the operation; its end ends the call. Never blocks the calling thread.
private func invoke(
    _ instance: Instance, _ operation: ByteView, _ arguments: ByteView, _ call: UnsafePointer<pb_call>
) -> pb_status {
    guard let body = instance.operations[operation.string] else { return pb_status(PB_E_UNSUPPORTED) }
    let text = arguments.isEmpty ? Array("{}".utf8) : arguments.array
    let standard: StandardArguments
    do throws(PluginError) {
        standard = try StandardArguments.read(text, configuration: instance.configuration)
    } catch {
        fail(call, error)
        return PB_DONE
    }
    let context = CallContext(call, host: instance.host, arguments: standard)
    context.listenForCancellation()
    context.attach(Task.detached { await run(body, text, context) })
    return pb_status(PB_PENDING)
}

private func run(
    _ body: @Sendable ([UInt8], Call) async throws -> [UInt8], _ arguments: [UInt8], _ context: CallContext
) async {
    do {
        let result = try await body(arguments, Call(context: context))
        context.end { call in result.withUnsafeBufferPointer { call.pointee.complete?(call, pb_str($0)) } }
    } catch {
        let failure = PluginError(describing: error)
        context.end { fail($0, failure) }
    }
}

/// Ends a call with an error.
private func fail(_ call: UnsafePointer<pb_call>, _ failure: PluginError) {
    withView(failure.message) { message in
        withView(failure.detailsJSON) { details in
            var record = pb_error()
            record.size = UInt32(MemoryLayout<pb_error>.size)
            record.code = failure.code.rawValue
            record.message = message
            record.retry_after_ms = failure.retryAfter?.milliseconds ?? 0
            record.http_status = UInt32(clamping: failure.httpStatus ?? 0)
            record.details_json = details
            call.pointee.fail?(call, &record)
        }
    }
}
