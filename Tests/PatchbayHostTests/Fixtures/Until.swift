/// Waits until something that other threads bring about is true. Gives up when the time limit of the test cancels it.
///
/// Nothing depends on the pause between looks; it leaves the processor to those threads.
func until(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(1)) }
}
