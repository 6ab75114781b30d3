internal import CPatchbay
internal import PatchbayCore

/// `patchbay.secrets/1`: the secrets of the account that a call belongs to.
enum SecretsService {
    static let table = StaticTable(
        pb_secrets(size: UInt32(MemoryLayout<pb_secrets>.size), reserved: 0, exists: exists, reveal: reveal))

    private static let exists: @convention(c) (UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, pb_str) -> Int32 = {
        _, call, name in
        PendingCall.of(call)?.account?.secret(named: name.text) == nil ? 0 : 1
    }

    private static let reveal:
        @convention(c) (
            UnsafePointer<pb_host>?, UnsafePointer<pb_call>?, pb_str, UnsafePointer<pb_sink>?
        ) -> pb_status =
            {
                host, call, name, sink in
                guard let context = InstanceContext.of(host), let sink else { return Status.invalid }
                guard context.mayRevealSecrets else { return Status.denied }
                guard let secret = PendingCall.of(call)?.account?.secret(named: name.text) else {
                    return Status.notFound
                }
                var text = secret.reveal()
                return text.withUTF8 { sink.pointee.write(sink, pb_str(UnsafeRawBufferPointer($0))) }
            }
}
