package import PatchbayCore

/// Everything that was declared through the admin API, in the order of names.
package struct StoredDefinitions: Sendable {
    /// Sites with their accounts and tokens, secrets opened.
    package var sites: [Site] = []
    package var keys: [Key] = []
    package var groups: [KeyGroup] = []
    package var routes: [Route] = []

    package init() {}
}

extension StoreError {
    init(_ error: ValidationError) {
        self.init(.invalid, field: error.field, error.description)
    }

    /// Runs a check and turns its error into one of the store.
    static func checking<Value>(_ body: () throws(ValidationError) -> Value) throws(StoreError) -> Value {
        do throws(ValidationError) {
            return try body()
        } catch {
            throw StoreError(error)
        }
    }
}
